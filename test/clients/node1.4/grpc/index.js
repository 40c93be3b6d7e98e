// The module grpc, which fabric-client 1.4 wants, is native code that no living version of Node.js can load. This takes its place: the calls
// that fabric-client makes of it, on @grpc/grpc-js, its successor.
'use strict';

const grpc = require('@grpc/grpc-js');

const path = reflected => reflected.fqn().slice(1);

const encoder = type => {
	const Message = type.build();
	return value => Buffer.from(Message.encode(value).toBuffer());
};

const decoder = type => {
	const Message = type.build();
	return bytes => Message.decode(bytes).toRaw(false, true); // bytes as bytes, 64-bit numbers as text
};

function service(reflected) {
	const methods = {};
	for (const method of reflected.getChildren()) {
		methods[method.name[0].toLowerCase() + method.name.slice(1)] = {
			path: `/${path(reflected)}/${method.name}`, originalName: method.name,
			requestStream: method.requestStream, responseStream: method.responseStream,
			requestSerialize: encoder(method.resolvedRequestType), requestDeserialize: decoder(method.resolvedRequestType),
			responseSerialize: encoder(method.resolvedResponseType), responseDeserialize: decoder(method.resolvedResponseType),
		};
	}
	return grpc.makeClientConstructor(methods, path(reflected));
}

// loadObject makes classes of what version 5 of protobufjs has read.
function loadObject(value) {
	if (value.ns) {
		value.resolveAll();
		return loadObject(value.ns);
	}
	switch (value.className) {
		case 'Namespace':
			return Object.fromEntries(value.getChildren().filter(child => child.name).map(child => [child.name, loadObject(child)]));
		case 'Service':
			return service(value);
		case 'Message':
		case 'Enum':
			return value.build();
	}
}

module.exports = {credentials: grpc.credentials, status: grpc.status, loadObject};
