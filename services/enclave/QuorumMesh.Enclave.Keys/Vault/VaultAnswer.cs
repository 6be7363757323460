using System.Text.Json;
using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys.Vault;

/// <summary>What an answer of Vault's means for a client; statuses alone do not tell (shared between Vault 1.8 and OpenBao 2.6).</summary>
internal enum VaultVerdict
{
    Done,

    /// <summary>Nothing there, or nothing any more.</summary>
    Missing,

    /// <summary>The token is no longer good, or never was: a new log-in helps.</summary>
    TokenRefused,

    /// <summary>The token is good, its policy is not: a new log-in does not help.</summary>
    Forbidden,

    /// <summary>Sealed, busy, without a leader, behind: may pass by itself.</summary>
    Passing,

    /// <summary>A ciphertext that this key does not open.</summary>
    DoesNotOpen,

    /// <summary>The request cannot be right: an operator is needed.</summary>
    Refused,
}

/// <summary>An answer whose body lies in locked memory, for it may hold keys. Owns it.</summary>
internal sealed class VaultAnswer : IDisposable
{
    private const int MaxErrorText = 300;

    private readonly SecretBuffer _text;
    private readonly JsonDocument? _document;

    public VaultAnswer(int status, SecretBuffer text)
    {
        Status = status;
        _text = text;
        _document = TryParse(text);
        Errors = ReadErrors();
        Verdict = Judge(status, Errors);
    }

    public int Status { get; }

    public VaultVerdict Verdict { get; }

    /// <summary>Vault's own words, cut to a length for logs; never a value of a secret.</summary>
    public string Errors { get; }

    /// <summary>Null where there is none, or no JSON.</summary>
    public JsonElement? Body => _document?.RootElement;

    /// <summary>The envelope's data; null where there is none.</summary>
    public JsonElement? Data => Body is { } body ? SecretJson.Member(body, "data") : null;

    public void Dispose()
    {
        _document?.Dispose();
        _text.Dispose();
    }

    private static JsonDocument? TryParse(SecretBuffer text)
    {
        if (text.Length == 0)
            return null;
        try
        {
            return SecretJson.Parse("answer", text);
        }
        catch (KeyException)
        {
            // A page of a proxy, or a plain text: the status says enough.
            return null;
        }
    }

    private string ReadErrors()
    {
        if (Body is not { } body || SecretJson.Member(body, "errors") is not { ValueKind: JsonValueKind.Array } errors)
            return "";
        var text = string.Join("; ", errors.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.String).Select(e => e.GetString()));
        text = new string([.. text.Select(c => char.IsControl(c) ? ' ' : c)]).Trim();
        return text.Length > MaxErrorText ? text[..MaxErrorText] + "..." : text;
    }

    /// <summary>Vault 1.8's and OpenBao 2.6's statuses and texts, as recorded from both.</summary>
    private static VaultVerdict Judge(int status, string errors)
    {
        return status switch
        {
            >= 200 and < 300 => VaultVerdict.Done,
            // Vault 1.8 answers 500 to a forged ciphertext, newer ones 400; neither will ever open.
            400 or 500 when Says("message authentication failed") => VaultVerdict.DoesNotOpen,
            // Encrypted by the leader with a key version that this standby has not seen yet.
            400 when Says("version is too new") || Says("Upgrading from non-versioned") => VaultVerdict.Passing,
            // No token: Vault 1.8 says 400, OpenBao 403.
            400 when Says("missing client token") => VaultVerdict.TokenRefused,
            403 => errors == "permission denied" || errors == "bad token" ? VaultVerdict.TokenRefused : VaultVerdict.Forbidden,
            404 => VaultVerdict.Missing,
            // 307: of a standby to a leader that was followed in vain. 412: a replica is behind. 429: a quota. 472, 473: replicas.
            307 or 408 or 412 or 425 or 429 or 472 or 473 => VaultVerdict.Passing,
            // Vault 1.8's words for a request that no second try makes right.
            500 when Says("converting input") || Says("missing role_id") => VaultVerdict.Refused,
            >= 500 => VaultVerdict.Passing,
            _ => VaultVerdict.Refused,
        };

        bool Says(string words) => errors.Contains(words, StringComparison.OrdinalIgnoreCase);
    }
}
