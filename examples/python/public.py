"""A public contract with web3.py: connect, deploy, write, read, events. RPC_URL names the node; a fresh key needs no balance."""
import json
import os
import pathlib

from eth_account import Account
from web3 import Web3
from web3.middleware import ExtraDataToPOAMiddleware, SignAndSendRawMiddlewareBuilder

storage = json.loads((pathlib.Path(__file__).parent.parent / 'Storage.json').read_text())
w3 = Web3(Web3.HTTPProvider(os.environ['RPC_URL']))
w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)            # blocks have a long extraData
account = Account.create()
w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)
w3.eth.default_account = account.address


def wait(tx_hash):
    return w3.eth.wait_for_transaction_receipt(tx_hash)


deployed = wait(w3.eth.contract(abi=storage['abi'], bytecode=storage['code']).constructor(41).transact({'gasPrice': 0}))
contract = w3.eth.contract(address=deployed['contractAddress'], abi=storage['abi'])
written = wait(contract.functions.set(43).transact({'gasPrice': 0}))
events = contract.events.Stored().get_logs(from_block=0)
print(json.dumps({'chain': w3.eth.chain_id, 'status': written['status'], 'value': contract.functions.get().call(),
                  'stored': [event['args']['value'] for event in events]}))
