using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests.Fakes;

/// <summary>Keys in memory; the first ones are unlocked, and every password is the empty one.</summary>
internal sealed class FakeAccounts : IAccountStore
{
    private readonly Dictionary<Address, byte[]> _keys = [];
    private readonly HashSet<Address> _unlocked = [];

    public FakeAccounts(params byte[][] keys)
    {
        foreach (var key in keys) _unlocked.Add(Import(key, ""));
    }

    public IReadOnlyList<Address> Accounts => [.. _keys.Keys];

    public Address NewAccount(string password) => Import(Keccak.Hash([(byte)_keys.Count]).ToArray(), password);

    public Address Import(byte[] privateKey, string password)
    {
        var address = Secp256k1.AddressOf(Secp256k1.PublicKey(privateKey));
        return _keys.TryAdd(address, privateKey) ? address : throw new AccountException("account already exists");
    }

    public void Unlock(in Address account, string password, TimeSpan? duration)
    {
        if (!_keys.ContainsKey(account)) throw new AccountException("no key for given address or file");
        if (password.Length > 0) throw new AccountException("could not decrypt key with given passphrase");
        _unlocked.Add(account);
    }

    public void Lock(in Address account) => _unlocked.Remove(account);

    public bool IsUnlocked(in Address account) => _unlocked.Contains(account);

    public byte[] Sign(in Address account, in Hash256 hash) => IsUnlocked(account)
        ? Secp256k1.Sign(_keys[account], hash.ToArray())
        : throw new AccountException("authentication needed: password or unlock");

    public byte[] SignWithPassword(in Address account, string password, in Hash256 hash) =>
        password.Length == 0 && _keys.TryGetValue(account, out var key) ? Secp256k1.Sign(key, hash.ToArray())
            : throw new AccountException("could not decrypt key with given passphrase");

    public string? PathOf(in Address account) => $"/data/keystore/{account}";
}
