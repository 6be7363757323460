// A private contract with a key of your own. RPC_URL, RECIPIENT: a transaction manager's key. The node's manager stores the payload.
import { readFileSync } from 'node:fs';
import { AbiCoder, Contract, JsonRpcProvider, Wallet, encodeRlp, hexlify, keccak256, toBeArray } from 'ethers';

const { RPC_URL, RECIPIENT } = process.env;
const { abi, code } = JSON.parse(readFileSync(new URL('../Storage.json', import.meta.url)));
const provider = new JsonRpcProvider(RPC_URL, undefined, { cacheTimeout: -1 });
const wallet = Wallet.createRandom();
const privateFor = [RECIPIENT];
const number = value => hexlify(toBeArray(value ?? 0));

async function send(to, data) {
  const { tx } = await provider.send('eth_fillTransaction', [{ from: wallet.address, to, data, gas: '0x47b760', privateFor }]);
  const fields = [number(tx.nonce), number(tx.gasPrice), number(tx.gas), tx.to ?? '0x', number(tx.value), tx.input];
  const s = wallet.signingKey.sign(keccak256(encodeRlp(fields)));                  // without a chain id, and v raised by 10
  const raw = encodeRlp([...fields, number(s.v + 10), number(s.r), number(s.s)]);
  const hash = await provider.send('eth_sendRawPrivateTransaction', [raw, { privateFor }]);
  for (;;) {
    const receipt = await provider.send('eth_getTransactionReceipt', [hash]);
    if (receipt) return receipt;
    await new Promise(done => setTimeout(done, 50));
  }
}

const created = await send(undefined, code + AbiCoder.defaultAbiCoder().encode(['uint256'], [41]).slice(2));
const contract = new Contract(created.contractAddress, abi, provider);
const written = await send(contract.target, contract.interface.encodeFunctionData('set', [43]));
console.log(JSON.stringify({ status: Number(written.status), value: Number(await contract.get()) }));
provider.destroy();
