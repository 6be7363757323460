// A public contract with ethers: connect, deploy, write, read, events. RPC_URL names the node; a fresh key needs no balance.
import { readFileSync } from 'node:fs';
import { Contract, ContractFactory, JsonRpcProvider, Wallet } from 'ethers';

const { abi, code } = JSON.parse(readFileSync(new URL('../Storage.json', import.meta.url)));
const provider = new JsonRpcProvider(process.env.RPC_URL, undefined, { cacheTimeout: -1 });
const wallet = Wallet.createRandom().connect(provider);

const deployed = await new ContractFactory(abi, code, wallet).deploy(41);
await deployed.waitForDeployment();
const contract = new Contract(await deployed.getAddress(), abi, wallet);
const receipt = await (await contract.set(43)).wait();
const events = await contract.queryFilter('Stored', 0);
console.log(JSON.stringify({ chain: Number((await provider.getNetwork()).chainId), status: receipt.status,
  value: Number(await contract.get()), stored: events.map(e => Number(e.args.value)) }));
provider.destroy();
