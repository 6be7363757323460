using QuorumMesh.Node.Accounts;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node;

/// <summary>The keystore behind the runtime's account port.</summary>
internal sealed class KeystoreAccounts(KeystoreManager keystore) : IAccountStore
{
    public IReadOnlyList<Address> Accounts => keystore.Accounts;

    public Address NewAccount(string password) => Told(() => keystore.NewAccount(password));

    public Address Import(byte[] privateKey, string password) => Told(() => keystore.Import(privateKey, password));

    public void Unlock(in Address account, string password, TimeSpan? duration)
    {
        var address = account;
        Told(() => keystore.Unlock(address, password, duration));
    }

    public void Lock(in Address account) => keystore.Lock(account);

    public bool IsUnlocked(in Address account) => keystore.IsUnlocked(account);

    public byte[] Sign(in Address account, in Hash256 hash)
    {
        var (address, bytes) = (account, hash.ToArray());
        return Told(() => keystore.Sign(address, bytes));
    }

    public byte[] SignWithPassword(in Address account, string password, in Hash256 hash)
    {
        var (address, bytes) = (account, hash.ToArray());
        return Told(() => keystore.SignWithPassword(address, password, bytes));
    }

    public string? PathOf(in Address account) => keystore.FileOf(account);

    private static T Told<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Accounts.AccountException e)
        {
            throw new Runtime.Ports.AccountException(e.Message);
        }
    }
}
