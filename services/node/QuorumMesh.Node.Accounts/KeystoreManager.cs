using System.Security.Cryptography;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Accounts;

/// <summary>
/// Accounts in keystore files, and the private keys of those unlocked. Safe for concurrent use; stretching a password takes
/// about a second and is done outside the lock, on the caller's thread.
/// </summary>
public sealed class KeystoreManager : IDisposable
{
    private readonly KeystoreDirectory _directory;
    private readonly ScryptParameters _cost;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<Address, Unlocked> _unlocked = [];

    /// <param name="directory">Made when the first account is.</param>
    /// <param name="cost">For new files; null means geth's standard.</param>
    public KeystoreManager(string directory, ScryptParameters? cost = null, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        _directory = new KeystoreDirectory(directory);
        _cost = cost ?? ScryptParameters.Standard;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>In the order of the file names, as geth lists them.</summary>
    public IReadOnlyList<Address> Accounts => [.. _directory.List().Select(e => e.Address)];

    public bool Has(in Address address) => _directory.Find(address) is not null;

    /// <summary>The key file of an account; null when unknown.</summary>
    public string? FileOf(in Address address) => _directory.Find(address);

    public bool IsUnlocked(in Address address)
    {
        lock (_lock)
            return Current(address) is not null;
    }

    public Address NewAccount(string password)
    {
        using var key = new SecretBytes(32);
        do
            RandomNumberGenerator.Fill(key.Span);
        while (!Secp256k1.IsValidPrivateKey(key.Span));
        return Store(key.Span, password);
    }

    /// <exception cref="InvalidPrivateKeyException">Not a private key of secp256k1.</exception>
    /// <exception cref="AccountExistsException"/>
    public Address Import(ReadOnlySpan<byte> privateKey, string password)
    {
        if (privateKey.Length != 32)
            throw new InvalidPrivateKeyException($"a private key has 32 bytes, not {privateKey.Length}");
        if (!Secp256k1.IsValidPrivateKey(privateKey))
            throw new InvalidPrivateKeyException("invalid private key: it is zero or not below the order of the curve");
        return Store(privateKey, password);
    }

    /// <param name="duration">Null or zero: until <see cref="Lock"/> or the end of the process.</param>
    /// <returns>True; failures are exceptions, as the RPC caller sees their text.</returns>
    /// <exception cref="UnknownAccountException"/>
    /// <exception cref="WrongPasswordException"/>
    public bool Unlock(in Address address, string password, TimeSpan? duration = null)
    {
        var key = Decrypt(address, password);
        DateTimeOffset? until = duration is { } limited && limited > TimeSpan.Zero ? _time.GetUtcNow() + limited : null;
        lock (_lock)
        {
            // As geth: a timed unlock does not shorten one without an end.
            if (Current(address) is { Until: null } && until is not null)
            {
                key.Dispose();
                return true;
            }

            Forget(address);
            _unlocked[address] = new Unlocked(key, until);
        }

        return true;
    }

    public void Lock(in Address address)
    {
        lock (_lock)
            Forget(address);
    }

    /// <returns>r, s and the recovery id, 65 bytes.</returns>
    /// <exception cref="AccountLockedException"/>
    /// <exception cref="UnknownAccountException"/>
    public byte[] Sign(in Address address, ReadOnlySpan<byte> hash)
    {
        lock (_lock)
            if (Current(address) is { } unlocked)
                return Secp256k1.Sign(unlocked.Key.Span, hash);
        throw Has(address) ? new AccountLockedException() : new UnknownAccountException();
    }

    /// <summary>Signs without unlocking.</summary>
    /// <inheritdoc cref="Sign"/>
    /// <exception cref="WrongPasswordException"/>
    public byte[] SignWithPassword(in Address address, string password, ReadOnlySpan<byte> hash)
    {
        using var key = Decrypt(address, password);
        return Secp256k1.Sign(key.Span, hash);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var unlocked in _unlocked.Values)
                unlocked.Key.Dispose();
            _unlocked.Clear();
        }
    }

    private Address Store(ReadOnlySpan<byte> privateKey, string password)
    {
        ArgumentNullException.ThrowIfNull(password);
        var address = Secp256k1.AddressOf(Secp256k1.PublicKey(privateKey));
        if (Has(address))
            throw new AccountExistsException();
        using var secret = SecretBytes.FromText(password);
        _directory.Write(address, KeystoreV3.Encrypt(privateKey, address, secret, _cost), _time.GetUtcNow());
        return address;
    }

    private SecretBytes Decrypt(in Address address, string password)
    {
        ArgumentNullException.ThrowIfNull(password);
        var file = _directory.Find(address) ?? throw new UnknownAccountException();
        using var secret = SecretBytes.FromText(password);
        var key = KeystoreV3.Decrypt(_directory.Read(file), secret);
        if (Secp256k1.IsValidPrivateKey(key.Span) && Secp256k1.AddressOf(Secp256k1.PublicKey(key.Span)) == address)
            return key;
        key.Dispose();
        throw new KeystoreFormatException($"the key in '{Path.GetFileName(file)}' is not the key of {address}");
    }

    private Unlocked? Current(in Address address)
    {
        if (!_unlocked.TryGetValue(address, out var unlocked))
            return null;
        if (unlocked.Until is not { } until || _time.GetUtcNow() < until)
            return unlocked;
        Forget(address);
        return null;
    }

    private void Forget(in Address address)
    {
        if (_unlocked.Remove(address, out var unlocked))
            unlocked.Key.Dispose();
    }

    private sealed record Unlocked(SecretBytes Key, DateTimeOffset? Until);
}
