/* The one function of bcryptprimitives.dll that Rust's standard library imports. Wine 8 has no such
 * DLL; this one goes into the test prefix alone. SystemFunction036 is RtlGenRandom. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    const SIZE_T most = 0x10000;

    while (length > 0) {
        ULONG part = (ULONG)(length < most ? length : most);

        if (!SystemFunction036(buffer, part))
            return FALSE;
        buffer += part;
        length -= part;
    }
    return TRUE;
}
