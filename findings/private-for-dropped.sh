#!/usr/bin/env bash
# ethers 6.17.0, viem 2.57.20 and web3 4.16.0 build eth_sendTransaction from the fields they know: privateFor is dropped without an error, and data that was meant for
# one recipient is published to all. The request methods below pass it on, and so does web3 1.10.4. web3 4 sends nothing at all without a gasPrice to a chain whose
# blocks have no baseFeePerGas. Seen on Node.js 20.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"type":"module","private":true}' > package.json
npm install --silent --no-audit --no-fund ethers@6.17.0 viem@2.57.20 web3@4.16.0 web3v1@npm:web3@1.10.4 >/dev/null
cat > probe.mjs <<'JS'
import http from 'node:http';
import { ethers } from 'ethers';
import { createWalletClient, http as transport } from 'viem';
import { Web3 } from 'web3';
import Web3v1 from 'web3v1';

const account = '0x' + '00'.repeat(19) + 'aa', recipient = Buffer.alloc(32, 7).toString('base64');
const zeros = n => '0x' + '00'.repeat(n);
const block = {
  number: '0x1', hash: '0x' + '22'.repeat(32), parentHash: zeros(32), nonce: zeros(8), sha3Uncles: zeros(32), logsBloom: zeros(256), transactionsRoot: zeros(32),
  stateRoot: zeros(32), receiptsRoot: zeros(32), miner: account, difficulty: '0x1', totalDifficulty: '0x1', extraData: '0x', size: '0x100', gasLimit: '0x5f5e100',
  gasUsed: '0x0', timestamp: '0x5f5e1000', mixHash: zeros(32), transactions: [], uncles: [],
};
const answers = {
  eth_chainId: '0x2a', net_version: '42', eth_accounts: [account], eth_blockNumber: '0x1', eth_gasPrice: '0x0', eth_estimateGas: '0x5208', eth_getTransactionCount: '0x0',
  eth_getBlockByNumber: block, eth_sendTransaction: '0x' + '11'.repeat(32),
};
let sent = [];
const answer = call => {
  if (call.method === 'eth_sendTransaction') sent.push(call.params[0]);
  return { jsonrpc: '2.0', id: call.id, result: answers[call.method] ?? null };
};
const node = http.createServer((request, response) => {
  let body = '';
  request.on('data', part => body += part);
  request.on('end', () => {
    const calls = JSON.parse(body);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(Array.isArray(calls) ? calls.map(answer) : answer(calls)));
  });
});
await new Promise(done => node.listen(0, '127.0.0.1', done));
const url = 'http://127.0.0.1:' + node.address().port;

async function see(name, send) {
  sent = [];
  let error = '';
  Promise.resolve().then(send).catch(e => error = e.name ?? String(e));
  for (let i = 0; i < 400 && !sent.length && !error; i++) await new Promise(done => setTimeout(done, 50));
  const how = sent.length === 0 ? `nothing sent (${error})` : sent[0].privateFor ? 'sent with privateFor' : 'sent to all, privateFor dropped';
  console.log(`${name}: ${how}`);
}

const call = { from: account, to: account, data: '0x1234', privateFor: [recipient] };
const plain = { ...call, gas: '0x5208', gasPrice: '0x0' };
const provider = new ethers.JsonRpcProvider(url);
const signer = await provider.getSigner(account);
await see('ethers signer', () => signer.sendUncheckedTransaction({ ...call, gasLimit: '0x5208' }));
await see('ethers provider.send', () => provider.send('eth_sendTransaction', [plain]));
const wallet = createWalletClient({ transport: transport(url) });
await see('viem sendTransaction', () => wallet.sendTransaction({ account, to: account, data: '0x1234', gas: 21000n, chain: null, type: 'legacy', privateFor: [recipient] }));
await see('viem request', () => wallet.request({ method: 'eth_sendTransaction', params: [plain] }));
const web3 = new Web3(url);
await see('web3 4 sendTransaction', () => web3.eth.sendTransaction({ ...call, gas: '0x5208' }));
await see('web3 4 sendTransaction with gasPrice', () => web3.eth.sendTransaction(plain));
await see('web3 4 requestManager.send', () => web3.requestManager.send({ method: 'eth_sendTransaction', params: [plain] }));
await see('web3 1 sendTransaction', () => new Web3v1(url).eth.sendTransaction(plain));
process.exit(0);
JS
cat > expected <<'TEXT'
ethers signer: sent to all, privateFor dropped
ethers provider.send: sent with privateFor
viem sendTransaction: sent to all, privateFor dropped
viem request: sent with privateFor
web3 4 sendTransaction: nothing sent (Eip1559NotSupportedError)
web3 4 sendTransaction with gasPrice: sent to all, privateFor dropped
web3 4 requestManager.send: sent with privateFor
web3 1 sendTransaction: sent with privateFor
TEXT
node probe.mjs | tee seen
diff expected seen && echo "as noted"
