// A private contract with an account of the node. RPC_URL, ACCOUNT (unlocked there), RECIPIENT: a transaction manager's key.
import { readFileSync } from 'node:fs';
import { AbiCoder, Contract, JsonRpcProvider } from 'ethers';

const { RPC_URL, ACCOUNT, RECIPIENT } = process.env;
const { abi, code } = JSON.parse(readFileSync(new URL('../Storage.json', import.meta.url)));
const provider = new JsonRpcProvider(RPC_URL, undefined, { cacheTimeout: -1 });

// ethers' own send calls drop privateFor: this one hands it on.
async function send(transaction) {
  const hash = await provider.send('eth_sendTransaction', [{ from: ACCOUNT, gas: '0x47b760', privateFor: [RECIPIENT], ...transaction }]);
  for (;;) {
    const receipt = await provider.send('eth_getTransactionReceipt', [hash]);
    if (receipt) return receipt;
    await new Promise(done => setTimeout(done, 50));
  }
}

const created = await send({ data: code + AbiCoder.defaultAbiCoder().encode(['uint256'], [41]).slice(2) });
const contract = new Contract(created.contractAddress, abi, provider);
const call = await contract.set.populateTransaction(43);
const written = await send({ to: call.to, data: call.data });
const { v, input } = await provider.send('eth_getTransactionByHash', [written.transactionHash]);
console.log(JSON.stringify({ status: Number(written.status), value: Number(await contract.get()), v: Number(v), bytes: (input.length - 2) / 2 }));
provider.destroy();
