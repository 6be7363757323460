using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.Contracts;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Keys.Vault;
using QuorumMesh.Files;

namespace QuorumMesh.Enclave.Keys;

/// <summary>An entry of <c>keyData</c>, for people.</summary>
/// <param name="PublicKey">Null where the configuration does not tell it: the key is in a vault.</param>
/// <param name="Place">The key file, "in the configuration", or the secret's path in the vault.</param>
public sealed record ConfiguredKey(PublicKey? PublicKey, string Place, bool Retired);

/// <summary>
/// Rotates keys. In files: a new pair beside the old one, and a configuration that names both, replaced whole as the last step, so that
/// a crash at any moment leaves the old keys or the new; a pair that a cut-off try made stays unnamed, and a second try makes another.
/// In a vault: one write, by check-and-set.
/// </summary>
public static class KeyRotation
{
    private static readonly JsonWriterOptions Readable = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>The entries in their order.</summary>
    /// <exception cref="KeyException">The configuration, or a public key file, cannot be read.</exception>
    public static IReadOnlyList<ConfiguredKey> List(string configFile)
    {
        var (_, entries) = Read(configFile);
        return [.. entries.Select(e => new ConfiguredKey(PublicOf(e!), PlaceOf(e!), IsRetired(e!)))];
    }

    /// <summary>
    /// Makes a successor of an active key: in a file, locked by the old one's password if that was; or as the next version in its vault,
    /// wrapped by transit if the configuration names a key for it.
    /// </summary>
    /// <param name="old">Null: the first active entry.</param>
    /// <param name="environment">The value of an environment variable; null where it is not set.</param>
    /// <param name="acceptLoss">Whether a vault may prune an older version to make room, with which old payloads stay shut.</param>
    /// <returns>The new key.</returns>
    /// <exception cref="KeyException">There is no such active key, or something cannot be read or written.</exception>
    public static async Task<PublicKey> RotateAsync(
        string configFile, PublicKey? old, Func<string, string?> environment, bool acceptLoss, CancellationToken cancellation)
    {
        if (InVault(configFile, environment) is not ({ } settings, { Count: > 0 } references))
            return Rotate(configFile, old);
        var entries = Read(configFile).Entries;
        var first = entries.ToList().FindIndex(e => !IsRetired(e!));
        if (old is null && !references.ContainsKey(first))
            return Rotate(configFile, old);
        using var session = new VaultSession(settings, new SecretReader(environment), TimeProvider.System);
        foreach (var (index, reference) in references)
        {
            if (old is null && index != first)
                continue;
            var (key, version) = await VaultKeyWriter.LatestAsync(session, reference, cancellation).ConfigureAwait(false);
            if (old is null || key == old)
            {
                if (reference.Version > 0)
                    throw new KeyException($"{reference.Setting}.hashicorpVaultSecretVersion", "pins a version: the enclave would not take "
                        + "the next one; take it away, or set it to 0");
                if (!acceptLoss)
                    await VaultKeyWriter.RefuseLossAsync(session, reference, version, cancellation).ConfigureAwait(false);
                return await VaultKeyWriter.WriteNextAsync(session, reference, version, cancellation).ConfigureAwait(false);
            }
        }

        return Rotate(configFile, old);
    }

    /// <summary>As <see cref="RotateAsync"/>, of a key in a file.</summary>
    internal static PublicKey Rotate(string configFile, PublicKey? old = null, ArgonOptions? argon = null)
    {
        var (root, entries) = Read(configFile);
        var index = Find(entries, old, e => !IsRetired(e), "active");
        var entry = entries[index]!.AsObject();
        var path = Text(entry, "privateKeyPath")
            ?? throw new KeyException($"keys.keyData[{index}]", "stands in the configuration itself: move it to a key file first");
        using var passwords = PasswordsOf(root);
        var password = passwords is null ? default : passwords.Line(index);
        var basePath = FreePath(path);
        var publicKey = TesseraKeyFile.Generate(basePath, password, argon);

        var name = Text(entry, "name") ?? Path.GetFileName(StemOf(path));
        if (entries.Where((_, i) => i != index).Any(e => !IsRetired(e!) && Text(e!, "name") == name))
            throw new KeyException($"keys.keyData[{index}].name", $"'{name}' is another active key's; give each its own");
        (entry["name"], entry["retired"]) = (name, true);
        entries.Insert(index, new JsonObject
        {
            ["name"] = name,
            ["privateKeyPath"] = basePath + ".key",
            ["publicKeyPath"] = basePath + ".pub",
        });
        if (passwords is not null)
            WritePasswords(root, passwords, [.. Enumerable.Range(0, index + 1), .. Enumerable.Range(index, entries.Count - 1 - index)]);
        Replace(configFile, root);
        return publicKey;
    }

    /// <summary>Takes a retired key out of the configuration; its files stay.</summary>
    /// <returns>The key file that nothing names any more.</returns>
    /// <exception cref="KeyException">There is no such retired key in a file, or something cannot be read or written.</exception>
    public static string Retire(string configFile, PublicKey key)
    {
        var (root, entries) = Read(configFile);
        var index = Find(entries, key, IsRetired, "retired");
        var place = PlaceOf(entries[index]!);
        using var passwords = PasswordsOf(root);
        entries.RemoveAt(index);
        if (passwords is not null)
            WritePasswords(root, passwords, [.. Enumerable.Range(0, index), .. Enumerable.Range(index + 1, entries.Count - index)]);
        Replace(configFile, root);
        return place;
    }

    /// <summary>
    /// Says that nobody is to seal for a key any more: an active key is rotated first, a retired one goes on opening what was sealed for
    /// it. Said once more it changes nothing. A key that neither the configuration nor a vault names may have been taken out.
    /// </summary>
    /// <param name="named">Its successor; null: the key that a rotation has put in its place, where the configuration tells it.</param>
    /// <returns>The key to name instead; null for none.</returns>
    /// <exception cref="KeyException">Something cannot be read or written, or a vault does not say whether it is the key that seals: an
    /// enclave takes no configuration that revokes that one.</exception>
    public static async Task<PublicKey?> RevokeAsync(
        string configFile, PublicKey key, PublicKey? named, Func<string, string?> environment, CancellationToken cancellation)
    {
        if (Read(configFile).Entries.Any(e => !IsRetired(e!) && PublicOf(e!) == key)
            || await SealsInVaultAsync(configFile, key, environment, cancellation).ConfigureAwait(false))
            named = await RotateAsync(configFile, key, environment, acceptLoss: false, cancellation).ConfigureAwait(false);
        var (root, entries) = Read(configFile);
        var revoked = root["keys"]!["revoked"] as JsonArray ?? new JsonArray();
        if (revoked.OfType<JsonObject>().FirstOrDefault(e => Text(e, "publicKey") == key.ToString()) is { } there)
            return NaClBox.TryParseKey(Text(there, "successor"), out var before) ? before : null;
        var successor = named ?? SuccessorOf(entries, key);
        var entry = new JsonObject { ["publicKey"] = key.ToString() };
        if (successor is not null)
            entry["successor"] = successor.ToString();
        revoked.Add(entry);
        if (revoked.Parent is null)
            root["keys"]!["revoked"] = revoked;
        Replace(configFile, root);
        return successor;
    }

    private static async Task<bool> SealsInVaultAsync(
        string configFile, PublicKey key, Func<string, string?> environment, CancellationToken cancellation)
    {
        if (InVault(configFile, environment) is not ({ } settings, { Count: > 0 } references))
            return false;
        using var session = new VaultSession(settings, new SecretReader(environment), TimeProvider.System);
        foreach (var reference in references.Values)
            if ((await VaultKeyWriter.LatestAsync(session, reference, cancellation).ConfigureAwait(false)).Key == key)
                return true;
        return false;
    }

    private static PublicKey? SuccessorOf(JsonArray entries, PublicKey key) =>
        entries.FirstOrDefault(e => IsRetired(e!) && PublicOf(e!) == key) is { } old && Text(old, "name") is { } name
            && entries.FirstOrDefault(e => !IsRetired(e!) && Text(e!, "name") == name) is { } active ? PublicOf(active) : null;

    /// <summary>The vault, and the active entries that are in it by their place.</summary>
    private static (VaultSettings? Settings, SortedDictionary<int, VaultKeyReference> References) InVault(
        string configFile, Func<string, string?> environment)
    {
        using var text = SecretFile.Read("--configfile", configFile);
        using var document = SecretJson.Parse(configFile, text);
        var found = new SortedDictionary<int, VaultKeyReference>();
        if (SecretJson.Member(document.RootElement, "keys") is not { } keys
            || SecretJson.Member(keys, "keyData") is not { ValueKind: JsonValueKind.Array } data)
            return (null, found);
        for (var i = 0; i < data.GetArrayLength(); i++)
            if (TesseraKeysConfig.VaultReference($"keys.keyData[{i}]", data[i]) is { Retired: false } reference)
                found[i] = reference;
        return (found.Count > 0 ? KeyVaultConfigs.ReadHashicorp(keys, environment) : null, found);
    }

    private static (JsonNode Root, JsonArray Entries) Read(string configFile)
    {
        using var text = SecretFile.Read("--configfile", configFile);
        try
        {
            var root = JsonNode.Parse(text.Span, documentOptions: Lenient);
            return root?["keys"]?["keyData"] is JsonArray entries && entries.All(e => e is JsonObject)
                ? (root, entries)
                : throw new KeyException("keys.keyData", $"'{configFile}' has none; is it the enclave's configuration?");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not the exception's text, which can quote the file.
            throw new KeyException("--configfile", $"'{configFile}' is not JSON");
        }
    }

    private static int Find(JsonArray entries, PublicKey? key, Func<JsonNode, bool> fits, string state)
    {
        for (var i = 0; i < entries.Count; i++)
            if (fits(entries[i]!) && (key is null || PublicOf(entries[i]!) == key))
                return i;
        throw new KeyException("keys.keyData", key is null ? $"has no {state} key"
            : $"has no {state} key {key} in a file; 'qmesh keys status' lists them. In a vault old versions are destroyed there");
    }

    /// <summary>
    /// Numbered above all that stand beside the old one, and never one of them: a pair that is there may be stolen and taken out of the
    /// configuration, another party's, or a cut-off try's, and looks the same.
    /// </summary>
    private static string FreePath(string path)
    {
        var stem = StemOf(path);
        var directory = Path.GetDirectoryName(stem) is { Length: > 0 } parent ? parent : ".";
        try
        {
            var highest = Directory.EnumerateFiles(directory).Where(f => f.EndsWith(".key", StringComparison.Ordinal)
                    || f.EndsWith(".pub", StringComparison.Ordinal))
                .Select(f => NumberAfter(Path.GetFileName(stem), Path.GetFileName(f)[..^4])).Append(1).Max();
            return string.Create(CultureInfo.InvariantCulture, $"{stem}-{highest + 1}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KeyException(path, $"its directory cannot be listed: {e.Message}", e);
        }
    }

    /// <summary>The n of "stem-n"; 0 for another name.</summary>
    private static long NumberAfter(string stem, string name) =>
        name.StartsWith(stem + "-", StringComparison.Ordinal)
        && int.TryParse(name[(stem.Length + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static string StemOf(string keyPath) => Stem(keyPath.EndsWith(".key", StringComparison.Ordinal) ? keyPath[..^4] : keyPath);

    /// <summary>Without the number that a rotation before this one put behind it.</summary>
    private static string Stem(string path)
    {
        var dash = path.LastIndexOf('-');
        return dash > 0 && int.TryParse(path[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out _) ? path[..dash] : path;
    }

    private static PasswordFile? PasswordsOf(JsonNode root) =>
        Text(root["keys"]!, "passwordFile") is { } path ? new PasswordFile("keys.passwordFile", path) : null;

    /// <summary>A new file beside the old one, which the old configuration still needs until it is replaced.</summary>
    private static void WritePasswords(JsonNode root, PasswordFile passwords, IReadOnlyList<int> lines)
    {
        var path = Stem(Text(root["keys"]!, "passwordFile")!);
        using var text = new SecretBuffer(lines.Sum(line => passwords.Line(line).Length + 1));
        var at = 0;
        foreach (var line in lines)
        {
            passwords.Line(line).CopyTo(text.Span[at..]);
            at += passwords.Line(line).Length;
            text.Span[at++] = (byte)'\n';
        }

        var number = 2;
        while (File.Exists($"{path}-{number}"))
            number++;
        SecretFile.WriteNew($"{path}-{number}", text.Span, secret: true);
        root["keys"]!["passwordFile"] = $"{path}-{number}";
    }

    private static void Replace(string configFile, JsonNode root)
    {
        // It may hold keys of other entries: a buffer that is wiped, and never a string.
        var text = new ArrayBufferWriter<byte>(64 * 1024);
        using (var json = new Utf8JsonWriter(text, Readable))
            root.WriteTo(json);
        try
        {
            var mode = OperatingSystem.IsWindows() ? DurableFile.OwnerOnly : File.GetUnixFileMode(configFile);
            DurableFile.Replace(configFile, text.WrittenSpan, mode);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KeyException("--configfile", $"'{configFile}' cannot be replaced: {e.Message}", e);
        }
        finally
        {
            text.Clear();
        }
    }

    private static PublicKey? PublicOf(JsonNode entry) =>
        Text(entry, "publicKeyPath") is { } path ? TesseraKeyFile.ReadPublicKey(path)
        : NaClBox.TryParseKey(Text(entry, "publicKey"), out var key) ? key : null;

    private static string PlaceOf(JsonNode entry) =>
        Text(entry, "privateKeyPath")
        ?? (Text(entry, "hashicorpVaultSecretName") is { } name ? $"vault {Text(entry, "hashicorpVaultSecretEngineName")}/{name}"
            : "in the configuration");

    private static bool IsRetired(JsonNode entry) =>
        entry["retired"] is JsonValue value && value.TryGetValue<bool>(out var retired) && retired;

    private static string? Text(JsonNode node, string name) =>
        node[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
