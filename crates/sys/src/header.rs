//! The interface as a C header, for card modules and hosts written in C.
//!
//! The header uses `uint32_t` and `uint16_t`, never `DWORD` or `wchar_t`: on Linux those have other
//! widths and clash with pcsc-lite's headers. Structures keep their names with the prefix
//! `cardmod_`, constants keep theirs. `cargo run -p cardmod-sys --example header` prints it; a test
//! compares it with `include/cardmod.h`.

use core::fmt::{Result, Write};

use crate::reflect::{FUNCTIONS, Field, Number, STRUCTURES, Structure, Text};

/// Writes the header.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write) -> Result {
    out.write_str(INTRODUCTION)?;
    for structure in STRUCTURES.iter().copied().flatten() {
        writeln!(out, "typedef struct {0} {0};", CName(structure.name))?;
    }
    out.write_str("\n/* Functions */\n")?;
    for function in FUNCTIONS {
        let result = if function.result.is_empty() { "void" } else { c_type(function.result).0 };
        let (star, result) = (if c_type(function.result).1 { "*" } else { "" }, result);
        write!(out, "typedef {result} {star}(CARDMOD_API *{})(", CName(function.name))?;
        for (at, (name, ty)) in function.parameters.iter().enumerate() {
            out.write_str(if at == 0 { "" } else { ", " })?;
            declare(out, ty, name)?;
        }
        out.write_str(");\n")?;
    }
    out.write_str("\n/* Structures */\n")?;
    // in the crate's order, in which a structure held by value stands before its holder
    for structure in STRUCTURES.iter().copied().flatten() {
        write_structure(out, structure)?;
    }
    out.write_str("/* Numbers */\n")?;
    for numbers in
        [crate::constants::NUMBERS, crate::errors::NUMBERS, crate::wincrypt::NUMBERS, crate::cng::NUMBERS]
    {
        write_numbers(out, numbers)?;
    }
    out.write_str("\n/* Names; the wide ones are UTF-16 */\n")?;
    for texts in [crate::strings::TEXTS, crate::cng_names::TEXTS] {
        write_texts(out, texts)?;
    }
    out.write_str(END)
}

fn write_structure(out: &mut dyn Write, structure: &Structure) -> Result {
    writeln!(out, "struct {} {{", CName(structure.name))?;
    for Field { name, ty, .. } in structure.fields {
        out.write_str("    ")?;
        declare(out, ty, name)?;
        out.write_str(";\n")?;
    }
    out.write_str("};\n\n")
}

fn write_numbers(out: &mut dyn Write, numbers: &[Number]) -> Result {
    for Number { name, value } in numbers {
        writeln!(out, "#define CARDMOD_{name} UINT32_C(0x{value:X})")?;
    }
    Ok(())
}

fn write_texts(out: &mut dyn Write, texts: &[Text]) -> Result {
    for Text { name, value, wide } in texts {
        writeln!(out, "#define CARDMOD_{name} {}\"{value}\"", if *wide { "u" } else { "" })?;
    }
    Ok(())
}

/// A declaration of C from a type as Rust spells it: a plain name, pointers to it, or an array.
fn declare(out: &mut dyn Write, ty: &str, name: &str) -> Result {
    let (ty, stars) = unpoint(ty);
    if let Some((element, count)) =
        ty.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')?.split_once("; "))
    {
        let (element, _) = c_type(element);
        // data that follows the structure: a flexible array member
        let count = if count == "0" { "" } else { count };
        return write!(out, "{element} {name}[{count}]");
    }
    let (base, pointer) = c_type(ty);
    match base {
        "" => write!(out, "{}", CName(pointee(ty)))?,
        base => out.write_str(base)?,
    }
    out.write_str(" ")?;
    for _ in 0..stars + usize::from(pointer) {
        out.write_str("*")?;
    }
    out.write_str(name)
}

fn unpoint(mut ty: &str) -> (&str, usize) {
    let mut stars = 0;
    while let Some(rest) = ty.strip_prefix("*mut ").or_else(|| ty.strip_prefix("*const ")) {
        (ty, stars) = (rest, stars + 1);
    }
    (ty, stars)
}

/// The C spelling of a base type and whether it is a pointer; an empty spelling for our own types.
fn c_type(ty: &str) -> (&'static str, bool) {
    match ty {
        "BYTE" => ("uint8_t", false),
        "WORD" | "WCHAR" => ("uint16_t", false),
        "DWORD" | "ULONG" | "ALG_ID" | "PIN_ID" | "PIN_SET" => ("uint32_t", false),
        "CARD_DIRECTORY_ACCESS_CONDITION" | "CARD_FILE_ACCESS_CONDITION" => ("uint32_t", false),
        "SECRET_TYPE" | "SECRET_PURPOSE" | "PIN_CACHE_POLICY_TYPE" => ("uint32_t", false),
        "BOOL" => ("int32_t", false),
        "CHAR" => ("char", false),
        "SIZE_T" => ("size_t", false),
        "ULONG_PTR" | "SCARDCONTEXT" | "SCARDHANDLE" | "CARD_KEY_HANDLE" => ("uintptr_t", false),
        "LPVOID" | "PVOID" => ("void", true),
        "LPSTR" => ("char", true),
        "LPWSTR" => ("uint16_t", true),
        "LPCWSTR" => ("const uint16_t", true),
        "PBYTE" | "PUCHAR" => ("uint8_t", true),
        "PDWORD" | "LPDWORD" => ("uint32_t", true),
        "PCARD_KEY_HANDLE" => ("uintptr_t", true),
        // `PCARD_DATA` is a pointer to `CARD_DATA`; function pointers are types of their own
        ty => ("", ty.starts_with("PC") || ty.starts_with("PP")),
    }
}

/// The structure a pointer type of the header points at, or the type itself.
fn pointee(ty: &str) -> &str {
    match ty.strip_prefix('P') {
        Some(rest) if STRUCTURES.iter().copied().flatten().any(|structure| structure.name == rest) => rest,
        _ => ty,
    }
}

/// A name of ours in C: the prefix keeps it apart from other headers' names.
struct CName<'a>(&'a str);

impl core::fmt::Display for CName<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> Result {
        write!(f, "cardmod_{}", self.0)
    }
}

const INTRODUCTION: &str = "\
/* cardmod.h: the card module (smart card minidriver) interface, versions 4 to 7.
 *
 * Made from the crate cardmod-sys; do not edit. Widths are those of Windows on every platform, so
 * this header may stand beside pcsc-lite's. License: MIT OR Apache-2.0. */
#ifndef CARDMOD_H
#define CARDMOD_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && !defined(_WIN64)
#define CARDMOD_API __stdcall
#else
#define CARDMOD_API
#endif

#if defined(_WIN32)
#define CARDMOD_EXPORT __declspec(dllexport)
#else
#define CARDMOD_EXPORT __attribute__((visibility(\"default\")))
#endif

#ifdef __cplusplus
extern \"C\" {
#endif

";

const END: &str = "
/* The one export of a card module. */
CARDMOD_EXPORT uint32_t CARDMOD_API CardAcquireContext(cardmod_CARD_DATA *pCardData, uint32_t dwFlags);

#ifdef __cplusplus
}
#endif

#endif /* CARDMOD_H */
";
