import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.math.BigInteger;
import java.net.URI;
import java.util.List;
import org.web3j.crypto.Credentials;
import org.web3j.crypto.Keys;
import org.web3j.protocol.http.HttpService;
import org.web3j.quorum.PrivacyFlag;
import org.web3j.quorum.Quorum;
import org.web3j.quorum.enclave.Tessera;
import org.web3j.quorum.enclave.protocol.EnclaveService;
import org.web3j.quorum.tx.QuorumTransactionManager;
import org.web3j.tx.response.PollingTransactionReceiptProcessor;
import org.web3j.utils.Numeric;

/** A private contract with a key of your own. RPC_URL; TM_URL and TM_KEY: your transaction manager's Q2T and key; RECIPIENT: another's. */
public class PrivateKey {
    public static void main(String[] args) throws Exception {
        var code = new ObjectMapper().readTree(new File("../../Storage.json")).get("code").asText();
        var quorum = Quorum.build(new HttpService(System.getenv("RPC_URL")));
        var q2t = URI.create(System.getenv("TM_URL"));
        var manager = new QuorumTransactionManager(quorum,                  // storeraw, then v 37/38 and eth_sendRawPrivateTransaction
            new Tessera(new EnclaveService(q2t.getScheme() + "://" + q2t.getHost(), q2t.getPort()), quorum),
            Credentials.create(Keys.createEcKeyPair()), System.getenv("TM_KEY"), List.of(System.getenv("RECIPIENT")),
            PrivacyFlag.STANDARD_PRIVATE);
        var receipts = new PollingTransactionReceiptProcessor(quorum, 200, 50);
        var limit = BigInteger.valueOf(4_700_000);
        var created = manager.sendTransaction(BigInteger.ZERO, limit, null, code + word(41), BigInteger.ZERO);     // to is null, not ""
        var address = receipts.waitForTransactionReceipt(created.getTransactionHash()).getContractAddress();
        var set = manager.sendTransaction(BigInteger.ZERO, limit, address, "0x60fe47b1" + word(43), BigInteger.ZERO);
        var written = receipts.waitForTransactionReceipt(set.getTransactionHash());
        System.out.printf("{\"status\":%d}%n", written.isStatusOK() ? 1 : 0);
        quorum.shutdown();
    }

    static String word(long value) { return Numeric.toHexStringNoPrefixZeroPadded(BigInteger.valueOf(value), 64); }
}
