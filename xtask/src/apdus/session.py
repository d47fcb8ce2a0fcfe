# One PKCS#11 session on the first card: prints each operation and how many APDUs were sent by then.
# The arguments are the PKCS#11 module, how many certificates there are at least, and the mechanism to sign with;
# CARDMOD_APDU_LOG names the log, PIN has the PIN.
import os
import sys

import PyKCS11


def sent():
    try:
        with open(os.environ["CARDMOD_APDU_LOG"]) as log:
            return sum(1 for _ in log)
    except FileNotFoundError:
        return 0


before = sent()


def done(operation):
    print(operation, sent() - before)


path, number, mechanism = sys.argv[1:]
data = bytes(32) if mechanism == "ECDSA" else b"the data to be signed"
library = PyKCS11.PyKCS11Lib()
library.load(path)
session = library.openSession(library.getSlotList(tokenPresent=True)[0])
for operation in ("list", "list again"):
    certificates = session.findObjects([(PyKCS11.CKA_CLASS, PyKCS11.CKO_CERTIFICATE)])
    values = [session.getAttributeValue(found, [PyKCS11.CKA_VALUE])[0] for found in certificates]
    assert len(values) >= int(number) and all(values), "the card has fewer certificates"
    done(operation)
session.login(os.environ["PIN"])
done("login")
key = session.findObjects([(PyKCS11.CKA_CLASS, PyKCS11.CKO_PRIVATE_KEY)])[0]
for operation in ("sign", "sign again"):
    session.sign(key, data, PyKCS11.Mechanism(getattr(PyKCS11, "CKM_" + mechanism)))
    done(operation)
session.logout()
done("end")
