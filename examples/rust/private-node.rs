//! A private contract with an account of the node. RPC_URL, ACCOUNT (unlocked there), RECIPIENT: a transaction manager's key.
//! The provider has no wallet: with one, alloy signs by itself and drops privateFor.
use alloy::{
    network::{AnyNetwork, ReceiptResponse, TransactionBuilder},
    primitives::{hex, Address, Bytes, U256},
    providers::{Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    serde::WithOtherFields,
    sol,
    sol_types::{SolCall, SolConstructor},
};

sol! {
    #[sol(rpc)]
    contract Storage { constructor(uint256 initial); function get() external view returns (uint256); function set(uint256 value) external; }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let storage: serde_json::Value = serde_json::from_str(include_str!("../Storage.json"))?;
    let provider = ProviderBuilder::new().network::<AnyNetwork>().connect_http(std::env::var("RPC_URL")?.parse()?);
    let (account, recipient): (Address, String) = (std::env::var("ACCOUNT")?.parse()?, std::env::var("RECIPIENT")?);
    let private = |call: TransactionRequest| {
        let mut call = WithOtherFields::new(call.with_from(account).with_gas_limit(4_700_000).with_gas_price(0));
        call.other.insert("privateFor".into(), serde_json::json!([recipient]));
        call
    };
    let mut code = hex::decode(storage["code"].as_str().unwrap())?;
    code.extend(Storage::constructorCall { initial: U256::from(41) }.abi_encode());
    let creation = private(TransactionRequest::default().with_deploy_code(code));
    let address = provider.send_transaction(creation).await?.get_receipt().await?.contract_address().ok_or("no contract")?;
    let input = Bytes::from(Storage::setCall { value: U256::from(43) }.abi_encode());
    let written = provider.send_transaction(private(TransactionRequest::default().with_to(address).with_input(input))).await?;
    let status = u8::from(written.get_receipt().await?.status());
    println!(r#"{{"status":{status},"value":{}}}"#, Storage::new(address, &provider).get().call().await?);
    Ok(())
}
