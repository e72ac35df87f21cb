"""``<keywrap>``: whether guests of IBM's mainframes may use keys that the machine protects.

::

    <keywrap>
      <cipher name='aes' state='off'/>
    </keywrap>
"""

from __future__ import annotations

from domcaps.language.finding import Stage
from domcaps.language.part import Part, field
from domcaps.language.quantities import repeated
from domcaps.language.rule import Problems, Sample, problem, rule
from domcaps.language.value_types import ON_OFF, OneOf

_AES = "<cipher name='aes' state='on'/>"


class KeywrapCipher(Part):
    """A cipher with protected keys."""

    path = "keywrap/cipher"

    name = field("@name", OneOf(("aes", "dea")), required=True)
    state = field("@state", ON_OFF, required=True)


@rule(
    "keywrap-cipher-duplicate",
    KeywrapCipher,
    bad=Sample(f"<keywrap>{_AES}{_AES}</keywrap>", arch="s390x"),
    good=Sample(f"<keywrap>{_AES}</keywrap>", arch="s390x"),
)
def cipher_once(cipher: KeywrapCipher) -> Problems:
    """Each ``<cipher>`` in ``<keywrap>`` must have a different name."""
    for again in repeated(cipher, lambda c: c.name):
        yield problem(f"the cipher {again.name!r} is given twice; remove one", again, "@name")


@rule(
    "keywrap-unsupported",
    KeywrapCipher,
    bad=f"<keywrap>{_AES}</keywrap>",
    good=Sample(f"<keywrap>{_AES}</keywrap>", arch="s390x"),
    stage=Stage.START,
)
def keywrap_is_for_mainframes(cipher: KeywrapCipher) -> Problems:
    """``<keywrap>`` requires an s390x guest."""
    if cipher.domain.arch not in {"s390", "s390x"}:
        yield problem(
            f"<keywrap> is not supported for {cipher.domain.arch} guests; remove it", cipher
        )
