#!/usr/bin/env bash
# MetaMask (its @metamask/transaction-controller 61.2.0, run in Node.js against Foundry's anvil 1.7.1): the second transaction of an
# account, sent right after the first one is confirmed, is signed with the nonce of the first and refused ("nonce too low"). Its nonce
# tracker means to count transactions that it saw confirmed, but asks for them with address and chain id the wrong way round and finds
# none; what is left is eth_getTransactionCount at the block that the wallet's block tracker saw last, and that one looks every 20 s. On a
# chain with a block every 12 s nobody notices. The same lines stand in 57.3.0, 66.0.1 and 69.0.0. Needs Node.js 20 and npm.
set -euo pipefail
dir=$(mktemp -d); chain=
trap '[ -z "$chain" ] || kill "$chain" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --legacy-peer-deps @foundry-rs/anvil@1.7.1 @metamask/transaction-controller@61.2.0 \
  @metamask/network-controller@25.0.0 @metamask/gas-fee-controller@25.0.0 \
  @metamask/eth-block-tracker@14.0.0 @babel/runtime@7.25.0 deepmerge@4.3.1 ethers@6.15.0
port=$((20000 + RANDOM % 10000))
node_modules/.bin/anvil --port "$port" --silent > anvil.log 2>&1 & chain=$!
cat > probe.js <<'X'
const { Messenger, MOCK_ANY_NAMESPACE } = require('@metamask/messenger');
const { TransactionController } = require('@metamask/transaction-controller');
const { PollingBlockTracker } = require('@metamask/eth-block-tracker');
const ethers = require('ethers');

const url = process.argv[2];
async function request({ method, params = [] }) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const answer = await (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json();
  if (answer.error) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
  return answer.result;
}
const send = (call, done) => request(call).then(result => done(null, { id: call.id, jsonrpc: '2.0', result }), done);
const provider = { request, send, sendAsync: send, on() {}, off() {} };

async function main() {
  const chainId = await request({ method: 'eth_chainId' });
  const wallet = ethers.Wallet.createRandom();
  const from = wallet.address.toLowerCase();
  await request({ method: 'anvil_setBalance', params: [from, '0x56bc75e2d63100000'] });
  const client = { provider, blockTracker: new PollingBlockTracker({ provider }), configuration: { chainId, type: 'custom' } };
  const root = new Messenger({ namespace: MOCK_ANY_NAMESPACE });
  const answers = {
    'NetworkController:getNetworkClientById': () => client,
    'NetworkController:findNetworkClientIdByChainId': () => 'net',
    'AccountsController:getSelectedAccount': () => ({ address: from, type: 'eip155:eoa' }),
    'AccountsController:getState': () => ({ internalAccounts: { accounts: {}, selectedAccount: '' } }),
    'ApprovalController:addRequest': async () => ({ resultCallbacks: { success() {}, error() {} } }),
    'RemoteFeatureFlagController:getState': () => ({ remoteFeatureFlags: {} }),
  };
  for (const [name, answer] of Object.entries(answers)) root.registerActionHandler(name, answer);
  const messenger = new Messenger({ namespace: 'TransactionController', parent: root });
  root.delegate({ messenger, actions: Object.keys(answers), events: ['NetworkController:stateChange'] });
  const controller = new TransactionController({
    messenger, disableHistory: true, disableSendFlowHistory: true, disableSwaps: true, transactionHistoryLimit: 40, hooks: {},
    getCurrentNetworkEIP1559Compatibility: async () => true,
    getNetworkClientRegistry: () => ({ net: client }),
    getNetworkState: () => ({ selectedNetworkClientId: 'net', networksMetadata: {}, networkConfigurationsByChainId: {} }),
    isSimulationEnabled: () => false, isFirstTimeInteractionEnabled: () => false,
    sign: async tx => {
      const { nonce, gasLimit, to, value, maxFeePerGas, maxPriorityFeePerGas } = tx.toJSON();
      const raw = { type: 2, chainId, nonce: Number(nonce), gasLimit, to, value, maxFeePerGas, maxPriorityFeePerGas };
      const { yParity, r, s } = wallet.signingKey.sign(ethers.Transaction.from(raw).unsignedHash);
      return tx.addSignature(BigInt(yParity), ethers.getBytes(r), ethers.getBytes(s));
    },
  });
  const transfer = async () => {
    const fees = { gas: '0x5208', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x3b9aca00' };
    const options = { networkClientId: 'net', origin: 'metamask' };
    const { result, transactionMeta } = await controller.addTransaction({ from, to: from, value: '0x0', ...fees }, options);
    try {
      await result;
    } catch (e) {
      return e.message;
    }
    for (let waited = 0; waited < 240; waited++) {
      const { status } = controller.state.transactions.find(t => t.id === transactionMeta.id);
      if (status === 'confirmed') return status;
      await new Promise(next => setTimeout(next, 250));
    }
    return 'not confirmed';
  };
  console.log(`first: ${await transfer()}`);
  console.log(`second, at once: ${await transfer()}`);
  await new Promise(next => setTimeout(next, 45_000));
  console.log(`second, 45 s later: ${await transfer()}`);
  process.exit(0);
}
main().catch(e => { console.error(e); process.exit(1); });
X
for _ in $(seq 60); do curl -fsS -o /dev/null -H 'content-type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}' \
  "http://127.0.0.1:$port" 2> /dev/null && break; sleep 0.5; done
got=$(node probe.js "http://127.0.0.1:$port")
echo "$got"
want='first: confirmed
second, at once: nonce too low
second, 45 s later: confirmed'
[ "$got" = "$want" ] || { echo "CHANGED: expected"; echo "$want"; exit 1; }
echo "as found"
