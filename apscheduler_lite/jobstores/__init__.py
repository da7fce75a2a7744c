"""Where jobs live: the port (`base`) and its adapters."""
