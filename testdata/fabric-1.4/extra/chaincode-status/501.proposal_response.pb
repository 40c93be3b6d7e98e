"õmessage 501payload*[
 ú¹®oÉñçFd›R|zÑ”® üö˜´U~ÜÊl‚’š´±7

lscc


kvõmessage 501payload"kv