//! cardmod with everything wired: the host, the class module and virtual cards.
