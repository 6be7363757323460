"""A private contract with an account of the node. RPC_URL, ACCOUNT (unlocked there), RECIPIENT: a transaction manager's key."""
import json
import os
import pathlib

from web3 import Web3
from web3.middleware import ExtraDataToPOAMiddleware

storage = json.loads((pathlib.Path(__file__).parent.parent / 'Storage.json').read_text())
w3 = Web3(Web3.HTTPProvider(os.environ['RPC_URL']))
w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
account = Web3.to_checksum_address(os.environ['ACCOUNT'])
private = {'from': account, 'gas': 4_700_000, 'gasPrice': 0, 'privateFor': [os.environ['RECIPIENT']]}


def wait(tx_hash):
    return w3.eth.wait_for_transaction_receipt(tx_hash)


created = wait(w3.eth.contract(abi=storage['abi'], bytecode=storage['code']).constructor(41).transact(private))
contract = w3.eth.contract(address=created['contractAddress'], abi=storage['abi'])
written = wait(contract.functions.set(43).transact(private))
shown = w3.eth.get_transaction(written['transactionHash'])
print(json.dumps({'status': written['status'], 'value': contract.functions.get().call(), 'v': shown['v'], 'bytes': len(shown['input'])}))
