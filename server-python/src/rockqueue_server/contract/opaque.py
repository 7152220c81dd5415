"""Messages whose inner messages stay bytes.

To read a thousand jobs into a thousand messages costs more than all that is done with them when nobody looks inside. On
the wire a field of messages and a field of bytes are the same, so a request can be read by a type that is made from its
own and has bytes there.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

_PACKAGE = "rockqueue.opaque"
_INT32, _BYTES = FieldDescriptorProto.TYPE_INT32, FieldDescriptorProto.TYPE_BYTES
_ENUM, _MESSAGE = FieldDescriptorProto.TYPE_ENUM, FieldDescriptorProto.TYPE_MESSAGE
_pool = DescriptorPool()


def opaque(message: type[Message]) -> Any:
    """A message class like `message`, with bytes in place of messages and numbers in place of enums."""
    made = DescriptorProto()
    message.DESCRIPTOR.CopyToProto(made)
    for one in made.field:
        if one.type in (_ENUM, _MESSAGE):
            one.type = _INT32 if one.type == _ENUM else _BYTES
            one.ClearField("type_name")
    for inner in ("nested_type", "enum_type"):
        made.ClearField(inner)
    file = FileDescriptorProto(name=f"{_PACKAGE}.{made.name}", package=_PACKAGE, syntax="proto3", message_type=[made])
    _pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{made.name}"))
