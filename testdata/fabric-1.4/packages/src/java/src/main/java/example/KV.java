package example;

import java.util.List;
import org.hyperledger.fabric.shim.ChaincodeBase;
import org.hyperledger.fabric.shim.ChaincodeStub;

public class KV extends ChaincodeBase {
    @Override public Response init(ChaincodeStub stub) { return newSuccessResponse(); }
    @Override public Response invoke(ChaincodeStub stub) {
        List<String> p = stub.getParameters();
        if ("put".equals(stub.getFunction())) { stub.putStringState(p.get(0), p.get(1)); return newSuccessResponse(); }
        if ("get".equals(stub.getFunction())) return newSuccessResponse(stub.getState(p.get(0)));
        return newErrorResponse("unknown function: " + stub.getFunction());
    }
    public static void main(String[] args) { new KV().start(args); }
}
