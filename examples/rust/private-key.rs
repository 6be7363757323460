//! A private contract with a key of your own. RPC_URL, RECIPIENT: a transaction manager's key. The node's manager stores the payload.
use alloy::consensus::{SignableTransaction, TxLegacy};
use alloy::primitives::{hex, Address, Bytes, TxKind, B256, U256, U64};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rlp::{Encodable, Header};
use alloy::signers::{local::PrivateKeySigner, SignerSync};
use serde_json::{json, Value};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let storage: Value = serde_json::from_str(include_str!("../Storage.json"))?;
    let provider = ProviderBuilder::new().connect_http(std::env::var("RPC_URL")?.parse()?);
    let (signer, private_for) = (PrivateKeySigner::random(), json!([std::env::var("RECIPIENT")?]));
    let creation = format!("{}{:064x}", storage["code"].as_str().unwrap(), 41);
    let mut to: Option<Address> = None;
    for data in [creation, format!("0x60fe47b1{:064x}", 43)] {                    // set(43)
        let call = json!({ "from": signer.address(), "to": to, "data": data, "gas": "0x47b760", "privateFor": private_for });
        let filled: Value = provider.raw_request("eth_fillTransaction".into(), (call,)).await?;
        let nonce: U64 = serde_json::from_value(filled["tx"]["nonce"].clone())?;
        let input: Bytes = serde_json::from_value(filled["tx"]["input"].clone())?;
        let kind = to.map_or(TxKind::Create, TxKind::Call);
        let tx = TxLegacy { chain_id: None, nonce: nonce.to(), gas_price: 0, gas_limit: 4_700_000, to: kind, value: U256::ZERO, input };
        let s = signer.sign_hash_sync(&tx.signature_hash())?;                     // without a chain id, and v raised by 10
        let v = 37 + u8::from(s.v());
        let fields: [&dyn Encodable; 9] =
            [&tx.nonce, &tx.gas_price, &tx.gas_limit, &tx.to, &tx.value, &tx.input, &v, &s.r(), &s.s()];
        let mut raw = Vec::new();
        Header { list: true, payload_length: fields.iter().map(|f| f.length()).sum() }.encode(&mut raw);
        fields.iter().for_each(|f| f.encode(&mut raw));
        let params = (hex::encode_prefixed(raw), json!({ "privateFor": private_for }));
        let hash: B256 = provider.raw_request("eth_sendRawPrivateTransaction".into(), params).await?;
        let receipt = alloy::providers::PendingTransactionBuilder::new(provider.root().clone(), hash).get_receipt().await?;
        to = to.or(receipt.contract_address);
        let get = json!({ "to": to, "data": "0x6d4ce63c" });
        let value: U256 = provider.raw_request("eth_call".into(), (get, "latest")).await?;
        println!(r#"{{"status":{},"value":{value}}}"#, u8::from(receipt.status()));
    }
    Ok(())
}
