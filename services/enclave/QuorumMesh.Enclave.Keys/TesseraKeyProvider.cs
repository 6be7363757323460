using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys.Vault;

namespace QuorumMesh.Enclave.Keys;

/// <summary>
/// Keys named by a Tessera config file: in it, in files, in HashiCorp Vault or OpenBao. All is read anew on each load; the owner calls
/// <see cref="NotifyChanged"/> when files were edited. What is in a vault is looked at now and then.
/// </summary>
/// <param name="environment">The value of an environment variable; null where it is not set.</param>
public sealed class TesseraKeyProvider(string configFile, TimeProvider time, Func<string, string?> environment)
    : IEnclaveKeyProvider, IDisposable
{
    private static readonly TimeSpan LeastPause = TimeSpan.FromSeconds(10);

    private readonly SecretReader _secrets = new(environment);
    private VaultSession? _vault;
    private VaultSession? _waiting;
    private IReadOnlyList<Entry> _entries = [];
    private IReadOnlyList<RevokedKey> _revoked = [];
    private DateTimeOffset _looked;
    private DateTimeOffset _asked;
    private volatile bool _edited;

    /// <summary>1: the next load takes whatever version a vault has, as a start and an operator's SIGHUP do.</summary>
    private int _mayGoBack = 1;

    /// <inheritdoc/>
    public event Action? Changed;

    /// <inheritdoc/>
    public KeyFreshness Freshness
    {
        get
        {
            var contacts = _entries.Where(e => e.Vault is not null).Select(e => e.Contact).ToList();
            if (contacts.Count == 0 || _vault is not { } vault)
                return default;
            var contact = contacts.Min();
            var next = _looked + vault.Settings.Refresh;
            if (vault.TendAt is { } tend && tend < next)
                next = tend;
            // A token that cannot be renewed now is due all the time.
            var earliest = _asked + (vault.Settings.Refresh < LeastPause ? vault.Settings.Refresh : LeastPause);
            return new KeyFreshness(contact,
                vault.Settings.MaxAge == Timeout.InfiniteTimeSpan ? null : contact + vault.Settings.MaxAge,
                next > earliest ? next : earliest);
        }
    }

    /// <summary>Older versions in a vault that cannot be used, each with its reason.</summary>
    public IReadOnlyList<string> Passed => [.. _entries.SelectMany(e => e.Vault?.Passed ?? [])];

    /// <summary>Says that the files were edited; the keys are read again.</summary>
    public void NotifyChanged()
    {
        _edited = true;
        Interlocked.Exchange(ref _mayGoBack, 1);
        Changed?.Invoke();
    }

    /// <inheritdoc/>
    public async Task<KeyRing> LoadAsync(CancellationToken cancellation)
    {
        var mayGoBack = Interlocked.Exchange(ref _mayGoBack, 0) == 1;
        try
        {
            return await LoadAsync(mayGoBack, cancellation).ConfigureAwait(false);
        }
        catch (KeyUnavailableException)
        {
            // The vault is away: it is tried again by itself, and that is still the load that was asked for.
            if (mayGoBack)
                Interlocked.Exchange(ref _mayGoBack, 1);
            throw;
        }
    }

    private async Task<KeyRing> LoadAsync(bool mayGoBack, CancellationToken cancellation)
    {
        // Argon2 takes seconds and a GiB for each locked key: never on the caller's thread.
        var (data, settings, revoked) = await Task.Run(ReadConfig, cancellation).ConfigureAwait(false);
        VaultSession? session = null;
        var entries = new List<Entry>();
        try
        {
            session = SessionFor(settings);
            entries.AddRange(data.Select(d => new Entry(
                d.Pair is { } pair ? [pair] : [], d.Vault is { } vault ? new VaultKeyEntry(
                    vault, session!, time, mayGoBack ? 0 : LatestOf(vault)) : null)));
            foreach (var entry in entries)
                if (entry.Vault is { } vault)
                {
                    entry.Pairs = await vault.LookAsync(anew: true, cancellation).ConfigureAwait(false) ?? [];
                    entry.Contact = time.GetUtcNow();
                }

            var ring = Ring(entries, revoked);
            if (session != _vault)
                _vault?.Dispose();
            if (session != _waiting)
                _waiting?.Dispose();
            (_vault, _waiting) = (session, null);
            (_entries, _revoked) = (entries, revoked);
            _looked = _asked = time.GetUtcNow();
            return ring;
        }
        catch
        {
            // What is loaded goes on with the session it came by; the new one keeps its token, and what was in its wrapping token, for
            // the next try.
            if (session != _vault)
                _waiting = session;
            foreach (var pair in data.Select(d => d.Pair).OfType<EnclaveKeyPair>().Concat(entries.SelectMany(e => e.Pairs)))
                pair.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<KeyRing?> RefreshAsync(CancellationToken cancellation)
    {
        KeyException? problem = null;
        var changes = new Dictionary<Entry, IReadOnlyList<EnclaveKeyPair>>();
        try
        {
            if (_vault is not null)
                await _vault.TendAsync(cancellation).ConfigureAwait(false);
        }
        catch (KeyException e)
        {
            problem = e;
        }

        if (_vault is { } vault && time.GetUtcNow() >= _looked + vault.Settings.Refresh)
        {
            foreach (var entry in _entries.Where(e => e.Vault is not null))
                try
                {
                    if (await LookAsync(entry, cancellation).ConfigureAwait(false) is { } pairs)
                        changes[entry] = pairs;
                }
                catch (KeyException e)
                {
                    problem ??= e;
                }

            _looked = time.GetUtcNow();
        }

        _asked = time.GetUtcNow();
        var ring = changes.Count > 0 ? Take(changes) : null;
        return ring is null && problem is not null ? throw problem : ring;
    }

    public void Dispose()
    {
        _vault?.Dispose();
        _waiting?.Dispose();
    }

    /// <summary>Null when the entry's versions are as they were.</summary>
    private async Task<IReadOnlyList<EnclaveKeyPair>?> LookAsync(Entry entry, CancellationToken cancellation)
    {
        IReadOnlyList<EnclaveKeyPair>? seen;
        try
        {
            seen = await entry.Vault!.LookAsync(anew: false, cancellation).ConfigureAwait(false);
        }
        finally
        {
            // What it told may be of no use (a version that is no pair, an older backup): it is there, and nobody took our rights away.
            if (entry.Vault!.Answered)
                entry.Contact = time.GetUtcNow();
        }

        if (seen is null)
            return null;
        var merged = new List<EnclaveKeyPair>();
        foreach (var pair in seen)
        {
            var held = entry.Pairs.FirstOrDefault(h => h.PublicKey == pair.PublicKey && h.Version == pair.Version && h.State == pair.State);
            merged.Add(held ?? pair);
            if (held is not null)
                pair.Dispose();
        }

        return merged.SequenceEqual(entry.Pairs) ? null : merged;
    }

    /// <summary>The latest version seen of a secret that the configuration names as before; 0 for another.</summary>
    private int LatestOf(VaultKeyReference reference) => _entries.Select(e => e.Vault).FirstOrDefault(
        v => v is not null && (v.Reference with { Setting = reference.Setting, Retired = reference.Retired }) == reference)?.Latest ?? 0;

    private KeyRing Take(Dictionary<Entry, IReadOnlyList<EnclaveKeyPair>> changes)
    {
        try
        {
            var ring = Ring([.. _entries.Select(e => changes.TryGetValue(e, out var pairs) ? new Entry(pairs, e.Vault) : e)], _revoked);
            foreach (var (entry, pairs) in changes)
                entry.Pairs = pairs;
            return ring;
        }
        catch
        {
            foreach (var (entry, pairs) in changes)
            {
                // To be told again at the next look, until it is put right.
                entry.Vault!.Forget();
                foreach (var pair in pairs.Except(entry.Pairs))
                    pair.Dispose();
            }

            throw;
        }
    }

    private static KeyRing Ring(IReadOnlyList<Entry> entries, IReadOnlyList<RevokedKey> revoked)
    {
        try
        {
            return new KeyRing([.. entries.SelectMany(e => e.Pairs)], revoked);
        }
        catch (ArgumentException e)
        {
            throw new KeyException("keys.keyData", e.Message, e);
        }
    }

    private (IReadOnlyList<KeyDatum> Data, VaultSettings? Vault, IReadOnlyList<RevokedKey> Revoked) ReadConfig()
    {
        using var text = SecretFile.Read("-configfile", configFile);
        using var document = SecretJson.Parse(configFile, text);
        var revoked = TesseraKeysConfig.ReadRevoked(document.RootElement);
        var data = TesseraKeysConfig.Read(document.RootElement, Environment.CurrentDirectory);
        try
        {
            // A vault that no key is in is none of our affair.
            return (data, data.FirstOrDefault(d => d.Vault is not null)?.Vault is { } first
                ? KeyVaultConfigs.ReadHashicorp(document.RootElement.GetProperty("keys"), environment)
                    ?? throw new KeyException(first.Setting,
                        "No Hashicorp keyVaultConfig was specified but Hashicorp keyData was provided; add keys.keyVaultConfigs")
                : null, revoked);
        }
        catch
        {
            foreach (var datum in data)
                datum.Pair?.Dispose();
            throw;
        }
    }

    /// <summary>The same vault and way in keep their token: a secret id may be good for one log-in alone.</summary>
    private VaultSession? SessionFor(VaultSettings? settings)
    {
        foreach (var known in (VaultSession?[])[_vault, _waiting])
            if (known is not null && known.Settings == settings)
            {
                // A try by itself must not log in more often than a refusal allows.
                if (_edited)
                    known.Reopen();
                _edited = false;
                return known;
            }

        _waiting?.Dispose();
        _waiting = null;
        return settings is null ? null : new VaultSession(settings, _secrets, time);
    }

    /// <summary>A line of keyData with the pairs that it gave.</summary>
    private sealed class Entry(IReadOnlyList<EnclaveKeyPair> pairs, VaultKeyEntry? vault)
    {
        public IReadOnlyList<EnclaveKeyPair> Pairs { get; set; } = pairs;

        public VaultKeyEntry? Vault => vault;

        public DateTimeOffset Contact { get; set; }
    }
}
