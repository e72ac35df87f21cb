"""A domain that clients of the language server edit: odd letters, and three findings."""

from __future__ import annotations

TEXT = """<domain type='qemu'>
  <name>ü𝄞</name>
  <memory>1048576</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <!-- 𝄞 --><video><model type='qxl'/></video>
    <video><model type='vga' headz='1'/></video>
  </devices>
</domain>
"""
