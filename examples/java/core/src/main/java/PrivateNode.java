import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.web3j.protocol.Web3j;
import org.web3j.protocol.core.DefaultBlockParameterName;
import org.web3j.protocol.core.Request;
import org.web3j.protocol.core.methods.request.Transaction;
import org.web3j.protocol.core.methods.response.EthSendTransaction;
import org.web3j.protocol.core.methods.response.TransactionReceipt;
import org.web3j.protocol.http.HttpService;
import org.web3j.tx.response.PollingTransactionReceiptProcessor;
import org.web3j.utils.Numeric;

/** A private contract with an account of the node. RPC_URL, ACCOUNT (unlocked there), RECIPIENT: a transaction manager's key. */
public class PrivateNode {
    public static void main(String[] args) throws Exception {
        var code = new ObjectMapper().readTree(new File("../../Storage.json")).get("code").asText();
        var service = new HttpService(System.getenv("RPC_URL"));
        var address = send(service, Map.of("data", code + word(41))).getContractAddress();
        var written = send(service, Map.of("to", address, "data", "0x60fe47b1" + word(43)));                            // set(43)
        var get = Transaction.createEthCallTransaction(System.getenv("ACCOUNT"), address, "0x6d4ce63c");                 // get()
        var value = Web3j.build(service).ethCall(get, DefaultBlockParameterName.LATEST).send().getValue();
        System.out.printf("{\"status\":%d,\"value\":%d}%n", written.isStatusOK() ? 1 : 0, Numeric.toBigInt(value));
        System.exit(0);                                                                             // the HTTP client's threads
    }

    /** web3j's own transaction has no privateFor: this request hands it on. */
    static TransactionReceipt send(HttpService service, Map<String, Object> what) throws Exception {
        var call = new HashMap<String, Object>(what);
        call.putAll(Map.of("from", System.getenv("ACCOUNT"), "gas", "0x47b760", "privateFor", List.of(System.getenv("RECIPIENT"))));
        var sent = new Request<>("eth_sendTransaction", List.of(call), service, EthSendTransaction.class).send();
        return new PollingTransactionReceiptProcessor(Web3j.build(service), 200, 50).waitForTransactionReceipt(sent.getTransactionHash());
    }

    static String word(long value) { return Numeric.toHexStringNoPrefixZeroPadded(BigInteger.valueOf(value), 64); }
}
