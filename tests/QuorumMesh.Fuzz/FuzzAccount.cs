using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Fuzz;

public sealed class FuzzAccount
{
    // The machine asks only whether it is the empty one.
    private static readonly Hash256 _someRoot = Keccak.Hash([1]);

    public FuzzAccount(in Address address, ulong nonce, in UInt256 balance, byte[] code, IReadOnlyDictionary<UInt256, UInt256> storage)
    {
        Address = address;
        Nonce = nonce;
        Balance = balance;
        Code = code;
        Storage = storage;
        CodeHash = code.Length == 0 ? Hash256.EmptyCode : Keccak.Hash(code);
    }

    public Address Address { get; }

    public ulong Nonce { get; }

    public UInt256 Balance { get; }

    public byte[] Code { get; }

    public IReadOnlyDictionary<UInt256, UInt256> Storage { get; }

    public Hash256 CodeHash { get; }

    public Account State => new(Nonce, Balance, Storage.Count == 0 ? Hash256.EmptyTrie : _someRoot, CodeHash);

    public FuzzAccount With(byte[]? code = null, IReadOnlyDictionary<UInt256, UInt256>? storage = null) =>
        new(Address, Nonce, Balance, code ?? Code, storage ?? Storage);
}
