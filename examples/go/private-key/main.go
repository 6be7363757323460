// A private contract with a key of your own. RPC_URL, RECIPIENT: a transaction manager's key. The node's manager stores the payload.
package main

import (
	"context"
	"fmt"
	"math/big"
	"os"

	"github.com/ethereum/go-ethereum/accounts/abi/bind"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	. "quorummesh-examples/example"
)

func main() {
	ctx, client, key := context.Background(), Must(ethclient.Dial(os.Getenv("RPC_URL"))), Must(crypto.GenerateKey())
	parsed, code := Storage()
	from, private := crypto.PubkeyToAddress(key.PublicKey), map[string]any{"privateFor": []string{os.Getenv("RECIPIENT")}}
	send := func(to *common.Address, data []byte) *types.Receipt {
		var filled struct{ Tx struct{ Input hexutil.Bytes } }
		call := map[string]any{"from": from, "to": to, "data": hexutil.Bytes(data), "gas": "0x47b760", "privateFor": private["privateFor"]}
		Check(client.Client().CallContext(ctx, &filled, "eth_fillTransaction", call))
		tx := &types.LegacyTx{To: to, Nonce: Must(client.PendingNonceAt(ctx, from)), Gas: 4_700_000, Data: filled.Tx.Input}
		s := Must(crypto.Sign(types.HomesteadSigner{}.Hash(types.NewTx(tx)).Bytes(), key)) // without a chain id, and v raised by 10
		tx.R, tx.S, tx.V = new(big.Int).SetBytes(s[:32]), new(big.Int).SetBytes(s[32:64]), big.NewInt(37+int64(s[64]))
		raw, hash := hexutil.Bytes(Must(types.NewTx(tx).MarshalBinary())), common.Hash{}
		Check(client.Client().CallContext(ctx, &hash, "eth_sendRawPrivateTransaction", raw, private))
		return Must(bind.WaitMinedHash(ctx, client, hash))
	}
	created := send(nil, append(code, Must(parsed.Pack("", big.NewInt(41)))...))
	written := send(&created.ContractAddress, Must(parsed.Pack("set", big.NewInt(43))))
	var value []any
	Check(bind.NewBoundContract(created.ContractAddress, parsed, client, client, client).Call(nil, &value, "get"))
	fmt.Printf(`{"status":%v,"value":%v}`+"\n", written.Status, value[0])
}
