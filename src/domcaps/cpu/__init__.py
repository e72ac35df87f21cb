"""CPU models as data, and the arithmetic on them: what the ``<cpu>`` of a report says.

Everything here is a plain function over `EmulatorFacts` and `HostRecord`; nothing executes CPUID
or looks at this machine. What a QEMU was not asked raises `domcaps.facts.emulator.Unanswered`,
except for `cpu_expansion`, which gives None then.

::

    from domcaps.cpu import (
        HostModel, Feature, CustomModel,             # the answers
        host_model, custom_models,                   # how they are found
        mode_supported,                              # host-passthrough, maximum, host-model, custom
        passthrough_migratable, maximum_migratable,  # values of the two "…Migratable" enums
        cpu_questions,                               # what a probe has to ask for all this
    )

    host_model(emulator, accelerator, host, dialect, *,
               disable_deprecated=False, expand=False, supported=False) -> HostModel | None
    custom_models(emulator, accelerator, arch, dialect) -> tuple[CustomModel, ...]
    mode_supported(mode, emulator, accelerator, host, machine, dialect) -> bool
    passthrough_migratable(emulator) -> tuple[str, ...]      # ("on", "off") or ("off",)
    maximum_migratable() -> tuple[str, ...]                  # ("on", "off")
    cpu_questions(arch, accelerator) -> tuple[Question, ...]

`accelerator` is QEMU's name (``kvm``, ``hvf``, ``tcg``), `host` a `HostRecord`, `dialect` the
libvirt version as ``(12, 8)``, `arch` the architecture that the report is about (it may be
``i686`` for an emulator of x86_64), `machine` the canonical machine type.

``HostModel``: `model`, `fallback` (``forbid``/``allow``), `vendor` ("" for none),
`maxphysaddr` (limit in bits of ``<maxphysaddr mode='passthrough' limit='…'/>``, None for no such
element), `features` (of `Feature`: `policy` ``require``/``disable``, `name`) in the order of the
report.

``CustomModel``: `name`, `usable` (``yes``/``no``/``unknown``), `deprecated`, `vendor`
(``unknown`` where none), `canonical` ("" for none), `blockers` (names), in the order of the report.
An empty list of models means that the mode is reported as not supported.
"""
