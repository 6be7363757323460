using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>The accounts that this node can sign for (geth's personal namespace). Thread safe.</summary>
public interface IAccountStore
{
    /// <summary>All accounts of the keystore.</summary>
    IReadOnlyList<Address> Accounts { get; }

    /// <summary>Makes a key, locked with the password.</summary>
    Address NewAccount(string password);

    /// <summary>Stores a raw 32-byte private key under a password.</summary>
    Address Import(byte[] privateKey, string password);

    /// <summary>Keeps the decrypted key in memory for <paramref name="duration"/>; null means until the process ends.</summary>
    /// <exception cref="AccountException">Unknown account, or the password does not open the key.</exception>
    void Unlock(in Address account, string password, TimeSpan? duration);

    /// <summary>Forgets an unlocked key.</summary>
    void Lock(in Address account);

    /// <summary>Whether it signs without a password now.</summary>
    bool IsUnlocked(in Address account);

    /// <summary>Signs a 32-byte hash with an unlocked key: r‖s‖recovery id, 65 bytes, low s.</summary>
    /// <exception cref="AccountException">Unknown or locked account.</exception>
    byte[] Sign(in Address account, in Hash256 hash);

    /// <summary>Signs once, and leaves the account as it was.</summary>
    byte[] SignWithPassword(in Address account, string password, in Hash256 hash);

    /// <summary>Path of the key file of an account, null when it has none.</summary>
    string? PathOf(in Address account);
}

/// <summary>An account that cannot be used as asked; the message is what geth answers, and is shown to the caller.</summary>
public sealed class AccountException(string message) : Exception(message);
