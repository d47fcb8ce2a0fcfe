# One PKCS#11 session on the first card: prints each operation and how many APDUs were sent by then.
# The first argument is the PKCS#11 module; CARDMOD_APDU_LOG names the log, PIN has the PIN.
import os
import sys

import PyKCS11


def done(operation):
    with open(os.environ["CARDMOD_APDU_LOG"]) as log:
        print(operation, sum(1 for _ in log))


library = PyKCS11.PyKCS11Lib()
library.load(sys.argv[1])
session = library.openSession(library.getSlotList(tokenPresent=True)[0])
for operation in ("list", "list again"):
    certificates = session.findObjects([(PyKCS11.CKA_CLASS, PyKCS11.CKO_CERTIFICATE)])
    values = [session.getAttributeValue(found, [PyKCS11.CKA_VALUE])[0] for found in certificates]
    assert len(values) == 2 and all(values), "the card has not two certificates"
    done(operation)
session.login(os.environ["PIN"])
done("login")
key = session.findObjects([(PyKCS11.CKA_CLASS, PyKCS11.CKO_PRIVATE_KEY)])[0]
for operation in ("sign", "sign again"):
    session.sign(key, b"the data to be signed", PyKCS11.Mechanism(PyKCS11.CKM_SHA256_RSA_PKCS))
    done(operation)
session.logout()
done("end")
