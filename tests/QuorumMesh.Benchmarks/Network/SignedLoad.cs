using System.Security.Cryptography;
using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>Pre-signed transactions of many accounts; at gas price 0 an account needs no balance.</summary>
internal sealed class SignedLoad(ulong chainId, int accounts)
{
    private readonly (byte[] Key, Address Address, ulong Nonce)[] _accounts = [.. Enumerable.Range(0, accounts).Select(_ => NewAccount())];

    public IReadOnlyList<(Address Address, ulong Nonce)> Expected => [.. _accounts.Select(a => (a.Address, a.Nonce))];

    /// <summary>A creation of SimpleStorage by the first account; gives the raw transaction and the contract's address.</summary>
    public (string Raw, Address Contract) Deploy(string initCode)
    {
        var contract = Address.ForCreate(_accounts[0].Address, _accounts[0].Nonce);
        return (Sign(0, null, Hex.FromHex(initCode), 1_000_000), contract);
    }

    /// <summary><paramref name="count"/> calls <c>set(x)</c>, spread over the accounts in turn.</summary>
    public string[] Sets(Address contract, int count)
    {
        var raw = new string[count];
        Parallel.For(0, _accounts.Length, account =>
        {
            for (var i = account; i < count; i += _accounts.Length)
                raw[i] = Sign(account, contract, Hex.FromHex(Cli.Demo.SimpleStorage.Set((ulong)i + 1)), 60_000);
        });
        return raw;
    }

    private string Sign(int account, Address? to, byte[] data, ulong gas)
    {
        ref var from = ref _accounts[account];
        var tx = new Transaction { Nonce = from.Nonce++, GasLimit = gas, To = to, Data = data };
        return Hex.ToHex(TransactionSigner.Sign(tx, from.Key, chainId).Encode());
    }

    private static (byte[], Address, ulong) NewAccount()
    {
        var key = new byte[32];
        do RandomNumberGenerator.Fill(key);
        while (!Secp256k1.IsValidPrivateKey(key));
        return (key, Secp256k1.AddressOf(Secp256k1.PublicKey(key)), 0);
    }
}
