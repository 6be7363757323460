//! A public contract with alloy: connect, deploy, write, read, events. RPC_URL names the node; a fresh key needs no balance.
use alloy::{
    network::{ReceiptResponse, TransactionBuilder},
    primitives::{hex, U256},
    providers::{Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
    sol,
    sol_types::SolConstructor,
};

sol! {
    #[sol(rpc)]
    contract Storage {
        constructor(uint256 initial);
        event Stored(uint256 value);
        function get() external view returns (uint256);
        function set(uint256 value) external;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let storage: serde_json::Value = serde_json::from_str(include_str!("../Storage.json"))?;
    let provider = ProviderBuilder::new().wallet(PrivateKeySigner::random()).connect_http(std::env::var("RPC_URL")?.parse()?);
    let mut code = hex::decode(storage["code"].as_str().unwrap())?;
    code.extend(Storage::constructorCall { initial: U256::from(41) }.abi_encode());
    let creation = TransactionRequest::default().with_deploy_code(code).with_gas_price(0);
    let deployed = provider.send_transaction(creation).await?.get_receipt().await?;
    let contract = Storage::new(deployed.contract_address().ok_or("no contract")?, &provider);
    let written = contract.set(U256::from(43)).gas_price(0).send().await?.get_receipt().await?;
    let events = contract.Stored_filter().from_block(0).query().await?;
    let stored: Vec<_> = events.iter().map(|(event, _)| event.value.to::<u64>()).collect();
    let (chain, value) = (provider.get_chain_id().await?, contract.get().call().await?);
    println!(r#"{{"chain":{chain},"status":{},"value":{value},"stored":{stored:?}}}"#, u8::from(written.status()));
    Ok(())
}
