using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Tests.Shared;

/// <summary>
/// A small Raft chain for tests of the runtime: genesis, accounts, transactions, and a contract whose state depends on the order
/// of its calls.
/// </summary>
internal static class TestChain
{
    private static readonly UInt256 ChainId = 10u;

    /// <summary>slot 0 = 31 · slot 0 + first word of the input.</summary>
    private static readonly byte[] RollingCode = Hex.FromHex("600054601f0260003501600055");

    public static byte[] Genesis { get; } = GenesisWith(chainId: 10);

    public static byte[] GenesisWith(int chainId, int forkBlock = 0) => System.Text.Encoding.UTF8.GetBytes($$"""
        { "alloc": { "0x00000000000000000000000000000000000000ff": { "balance": "1000" } },
          "config": { "chainId": {{chainId}}, "homesteadBlock": {{forkBlock}}, "eip150Block": {{forkBlock}}, "eip155Block": {{forkBlock}}, "eip158Block": {{forkBlock}},
                      "byzantiumBlock": {{forkBlock}}, "constantinopleBlock": {{forkBlock}}, "isQuorum": true },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """);

    /// <summary>Init code that deploys the rolling contract.</summary>
    public static byte[] RollingContract { get; } = [0x6c, .. RollingCode, .. Hex.FromHex("600052600d6013f3")];

    public static byte[] Key(int number) => Keccak.Hash(BitConverter.GetBytes(number)).ToArray();

    public static Address AddressOf(byte[] key) => Secp256k1.AddressOf(Secp256k1.PublicKey(key));

    public static PayloadHash HashOf(byte[] payload) => Sha3.HashPayload(payload);

    public static Transaction Public(byte[] key, ulong nonce, Address? to = null, byte[]? data = null) =>
        TransactionSigner.Sign(new Transaction
        {
            Nonce = nonce,
            GasLimit = 200_000,
            To = to ?? Address.Parse("0x00000000000000000000000000000000000000aa"),
            Data = data ?? []
        }, key, ChainId);

    /// <summary>A public creation.</summary>
    public static Transaction Creation(byte[] key, ulong nonce, ulong gas, byte[] initCode) =>
        TransactionSigner.Sign(new Transaction { Nonce = nonce, GasLimit = gas, Data = initCode }, key, ChainId);

    /// <summary>A private creation of the rolling contract, or with <paramref name="to"/> a private call.</summary>
    public static Transaction Private(byte[] key, ulong nonce, byte[] payload, Address? to = null) =>
        TransactionSigner.SignPrivate(
            new Transaction { Nonce = nonce, GasLimit = 400_000, To = to, Data = HashOf(payload).ToArray() }, key);

    public static byte[] CallPayload(ulong value) => ((UInt256)value).ToBigEndian();

    /// <summary>The stores of a chain that was initialised with the genesis, or of a new one.</summary>
    public static NodeStores Open(IKeyValueStore store, byte[]? genesis = null, bool keepsRevertReasons = false)
    {
        if (GenesisStore.Load(store) is null) GenesisStore.Initialise(store, genesis ?? Genesis, profile: null);
        var config = GenesisStore.Load(store)!.Config;
        var profile = GenesisStore.LoadProfile(store);
        return new NodeStores(store,
            new ChainRules(config, profile, new RaftHeaderRules(config)) { KeepsRevertReasons = keepsRevertReasons });
    }

    public static INodeSigner Signer(int number) => new KeySigner(Key(number));

    private sealed class KeySigner(byte[] key) : INodeSigner
    {
        public byte[] PublicKey { get; } = Secp256k1.PublicKey(key);

        public Address Address { get; } = AddressOf(key);

        public byte[] Sign(in Hash256 hash) => Secp256k1.Sign(key, hash.ToArray());
    }
}
