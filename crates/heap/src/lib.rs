//! The memory a host lends to card modules: PFN_CSP_ALLOC, PFN_CSP_REALLOC and PFN_CSP_FREE.
