//! The open smart card Base CSP: loads card modules, drives them, and manages containers, PINs and certificates.
