"""A domain in an editor: what may stand at the cursor and why, what is wrong, and edits.

`context` reads a text that is being written, `offers` and `hover` answer about a place in it, and
`language_server` speaks the Language Server Protocol.
"""
