"""A figure on distillation block by block (inspired by arXiv 2312.13223; the form is our own)."""
