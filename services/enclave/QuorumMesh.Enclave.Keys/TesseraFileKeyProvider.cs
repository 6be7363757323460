using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>
/// Keys named by a Tessera config file. Read anew on each load; the owner calls <see cref="NotifyChanged"/> when files were
/// edited.
/// </summary>
public sealed class TesseraFileKeyProvider(string configFile) : IEnclaveKeyProvider
{
    /// <inheritdoc/>
    public event Action? Changed;

    /// <inheritdoc/>
    public Task<KeyRing> LoadAsync(CancellationToken cancellation) => Task.Run(Load, cancellation);

    /// <summary>Says that the files were edited; the keys are read again.</summary>
    public void NotifyChanged() => Changed?.Invoke();

    // Argon2 takes seconds and a GiB for each locked key: never on the caller's thread.
    private KeyRing Load()
    {
        using var text = SecretFile.Read("-configfile", configFile);
        using var document = SecretJson.Parse(configFile, text);
        return TesseraKeysConfig.Read(document.RootElement, Environment.CurrentDirectory);
    }
}
