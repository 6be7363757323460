"""A private contract with a key of your own. RPC_URL, RECIPIENT: a transaction manager's key. The node's manager stores the payload."""
import json
import os
import pathlib

import rlp
from eth_account import Account
from web3 import Web3

storage = json.loads((pathlib.Path(__file__).parent.parent / 'Storage.json').read_text())
w3 = Web3(Web3.HTTPProvider(os.environ['RPC_URL']))
account = Account.create()
private_for = [os.environ['RECIPIENT']]


def request(method, *params):
    answer = w3.provider.make_request(method, list(params))
    if 'error' in answer:
        raise RuntimeError(answer['error'])
    return answer['result']


def send(to, data):
    target = {'to': to} if to else {}
    call = {'from': account.address, 'data': data, 'gas': '0x47b760', 'privateFor': private_for, **target}
    tx = request('eth_fillTransaction', call)['tx']
    numbers = {name: int(tx[name], 16) for name in ('nonce', 'gasPrice', 'gas', 'value')}
    signed = account.sign_transaction({**numbers, 'data': tx['input'], **target})         # without a chain id, and v raised by 10
    fields = [*rlp.decode(bytes(signed.raw_transaction))[:6], signed.v + 10, signed.r, signed.s]
    raw = '0x' + rlp.encode(fields).hex()
    return w3.eth.wait_for_transaction_receipt(request('eth_sendRawPrivateTransaction', raw, {'privateFor': private_for}))


address = send(None, storage['code'] + (41).to_bytes(32, 'big').hex())['contractAddress']
contract = w3.eth.contract(address=address, abi=storage['abi'])
written = send(address, contract.encode_abi('set', args=[43]))
print(json.dumps({'status': written['status'], 'value': contract.functions.get().call()}))
