// Sends with ethers, viem and web3 what the private guard is to refuse, and what it is to let through; prints a line of JSON for each.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { RPC_URL, ACCOUNT, RECIPIENT, EXAMPLES } = process.env;
const require = createRequire(`${EXAMPLES}/javascript/`);
const { AbiCoder, ContractFactory, Contract, JsonRpcProvider, Wallet } = require('ethers');
const { createWalletClient, createPublicClient, http, defineChain, encodeFunctionData } = require('viem');
const { privateKeyToAccount } = require('viem/accounts');
const { Web3 } = require('web3');

const { abi, code } = JSON.parse(readFileSync(`${EXAMPLES}/Storage.json`));
const init = code + AbiCoder.defaultAbiCoder().encode(['uint256'], [7]).slice(2);
const data = encodeFunctionData({ abi, functionName: 'set', args: [8n] });
const privateFor = [RECIPIENT];
const provider = new JsonRpcProvider(RPC_URL, undefined, { cacheTimeout: -1 });
const chain = defineChain({ id: Number((await provider.getNetwork()).chainId), name: 'mesh', rpcUrls: { default: { http: [RPC_URL] } },
  nativeCurrency: { name: 'none', symbol: 'N', decimals: 18 } });
const viem = createWalletClient({ chain, transport: http(RPC_URL), account: privateKeyToAccount(Wallet.createRandom().privateKey) });
const reader = createPublicClient({ chain, transport: http(RPC_URL), pollingInterval: 50 });
const web3 = new Web3(RPC_URL);
const wallet = Wallet.createRandom().connect(provider);
const signer = await provider.getSigner(ACCOUNT);

async function mined(hash) {
  for (;;) {
    const receipt = await provider.send('eth_getTransactionReceipt', [hash]);
    if (receipt) return receipt;
    await new Promise(done => setTimeout(done, 50));
  }
}

// Every field of the error, for each library keeps the node's words elsewhere.
const words = e => [e.message, e.details, e.error?.message, e.info?.error?.message, e.cause?.message, e.innerError?.message,
  e.cause?.cause?.message].filter(Boolean).join(' ');

async function see(name, send) {
  let line;
  try {
    const hash = await send();
    line = { name, status: (await mined(hash)).status };
  } catch (e) {
    line = { name, error: words(e) };
  }
  console.log(JSON.stringify(line));
  return line;
}

const plain = { from: ACCOUNT, gas: '0x47b760', gasPrice: '0x0' };
const made = await mined(await provider.send('eth_sendTransaction', [{ ...plain, data: init, privateFor }]));
const to = made.contractAddress;

// To be refused: the contract is private here, and the node's account has made private ones alone.
await see('refuse ethers wallet', async () => (await wallet.sendTransaction({ to, data, gasLimit: 500_000, privateFor })).hash);
await see('refuse ethers signer', () => signer.sendUncheckedTransaction({ to, data, gasLimit: 500_000, privateFor }));
await see('refuse viem wallet', () => viem.sendTransaction({ to, data, gas: 500_000n, privateFor }));
await see('refuse web3 node account', async () =>
  (await web3.eth.sendTransaction({ ...plain, to, data, privateFor }, undefined, { checkRevertBeforeSending: false })).transactionHash);
await see('refuse plain request', () => provider.send('eth_sendTransaction', [{ ...plain, to, data }]));
await see('refuse ethers creation', () => signer.sendUncheckedTransaction({ data: init, gasLimit: 500_000, privateFor }));
await see('refuse web3 creation', async () =>
  (await web3.eth.sendTransaction({ ...plain, data: init, privateFor }, undefined, { checkRevertBeforeSending: false })).transactionHash);

// To be let through: the calls that keep privateFor, and what was never private.
await see('allow ethers provider.send', () => provider.send('eth_sendTransaction', [{ ...plain, to, data, privateFor }]));
await see('allow viem request', () => reader.request({ method: 'eth_sendTransaction', params: [{ ...plain, to, data, privateFor }] }));
await see('allow web3 requestManager', () =>
  web3.requestManager.send({ method: 'eth_sendTransaction', params: [{ ...plain, to, data, privateFor }] }));
const deployed = await new ContractFactory(abi, code, wallet).deploy(1);
await see('allow ethers deployment', () => deployed.deploymentTransaction().hash);
const open = await deployed.getAddress();
await see('allow ethers call', async () => (await new Contract(open, abi, wallet).set(2)).hash);
await see('allow viem call', () => viem.sendTransaction({ to: open, data, gas: 500_000n }));
await see('allow viem deployment', () => viem.deployContract({ abi, bytecode: code, args: [3n], gas: 500_000n }));
await see('allow web3 call', async () => (await web3.eth.sendTransaction({ ...plain, to: open, data })).transactionHash);
await see('allow plain transfer', () => provider.send('eth_sendTransaction', [{ ...plain, to: wallet.address, value: '0x1' }]));
process.exit(0);
