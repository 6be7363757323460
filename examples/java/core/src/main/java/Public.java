import static org.web3j.protocol.core.DefaultBlockParameterName.*;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.math.BigInteger;
import org.web3j.crypto.Credentials;
import org.web3j.crypto.Keys;
import org.web3j.protocol.Web3j;
import org.web3j.protocol.core.methods.request.*;
import org.web3j.protocol.core.methods.response.Log;
import org.web3j.protocol.core.methods.response.TransactionReceipt;
import org.web3j.protocol.http.HttpService;
import org.web3j.tx.RawTransactionManager;
import org.web3j.tx.response.PollingTransactionReceiptProcessor;
import org.web3j.utils.Numeric;

/** A public contract with web3j: connect, deploy, write, read, events. RPC_URL names the node; a fresh key needs no balance. */
public class Public {
    public static void main(String[] args) throws Exception {
        var code = new ObjectMapper().readTree(new File("../../Storage.json")).get("code").asText();
        var web3j = Web3j.build(new HttpService(System.getenv("RPC_URL")));
        var chain = web3j.ethChainId().send().getChainId().longValue();     // without it web3j signs v 27/28, which is refused
        var manager = new RawTransactionManager(web3j, Credentials.create(Keys.createEcKeyPair()), chain);
        var address = send(web3j, manager, null, code + word(41)).getContractAddress();
        var status = send(web3j, manager, address, "0x60fe47b1" + word(43)).isStatusOK() ? 1 : 0;                  // set(43)
        var get = Transaction.createEthCallTransaction(manager.getFromAddress(), address, "0x6d4ce63c");           // get()
        var value = Numeric.toBigInt(web3j.ethCall(get, LATEST).send().getValue());
        var logs = web3j.ethGetLogs(new EthFilter(EARLIEST, LATEST, address)).send().getLogs();
        var stored = logs.stream().map(log -> Numeric.toBigInt(((Log) log.get()).getData())).toList();
        System.out.printf("{\"chain\":%d,\"status\":%d,\"value\":%d,\"stored\":%s}%n", chain, status, value, stored);
        web3j.shutdown();
    }

    static TransactionReceipt send(Web3j web3j, RawTransactionManager manager, String to, String data) throws Exception {
        var sent = manager.sendTransaction(BigInteger.ZERO, BigInteger.valueOf(400_000), to, data, BigInteger.ZERO);
        return new PollingTransactionReceiptProcessor(web3j, 200, 50).waitForTransactionReceipt(sent.getTransactionHash());
    }

    static String word(long value) { return Numeric.toHexStringNoPrefixZeroPadded(BigInteger.valueOf(value), 64); }
}
