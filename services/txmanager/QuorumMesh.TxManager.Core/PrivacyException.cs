namespace QuorumMesh.TxManager.Core;

/// <summary>Why an operation was refused. Tessera's status for each is in brackets (tessera 0.3).</summary>
public enum Failure
{
    /// <summary>The request cannot be understood (400).</summary>
    BadRequest,

    /// <summary>A payload longer than managers and enclaves take (413).</summary>
    TooLarge,

    /// <summary>A privacy mode or group that this manager does not offer, or an unknown peer (403).</summary>
    Forbidden,

    /// <summary>No active manager, or none of our enclave's keys, has the key (404).</summary>
    KeyNotFound,

    /// <summary>No payload with this hash, and no record of ever being a party (404).</summary>
    NotFound,

    /// <summary>No payload with this hash, but a record that we are a party: it was lost or deleted (404).</summary>
    Missing,

    /// <summary>A recipient's manager cannot be reached (410).</summary>
    PeerOffline,

    /// <summary>
    /// A recipient's manager did not answer in time, or too many wait for it already (410). No proof that it is gone.
    /// </summary>
    PeerUnresponsive,

    /// <summary>A recipient's manager refused the payload (500).</summary>
    PeerRefused,

    /// <summary>A stored payload opens with none of our keys (500).</summary>
    NoSuitableKey,

    /// <summary>The payload contradicts itself, its ciphertext or what is stored (500).</summary>
    InvalidPayload,

    /// <summary>What is stored does not fit its hash or its row's checksum: bits were flipped (500).</summary>
    Damaged,

    /// <summary>Partyinfo of which no key could be proven (500, no body).</summary>
    Unproven,

    /// <summary>Asked too often, or of too many: try again later (503).</summary>
    Busy,

    /// <summary>The payloads do not fit into what the listener may hold: try again later (503).</summary>
    NoRoom,

    /// <summary>The enclave cannot be reached (503).</summary>
    EnclaveUnavailable,

    /// <summary>The payload store cannot be reached or is overloaded (503).</summary>
    StoreUnavailable,
}

/// <summary>An operation that was refused. The message is for the caller and names no payload.</summary>
public sealed class PrivacyException(Failure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why, for the answer's status.</summary>
    public Failure Failure { get; } = failure;

    /// <summary>With <see cref="Failure.PeerRefused"/>: the peer may have been unable to read the form of what it was sent.</summary>
    public bool IsAboutForm { get; init; }

    /// <summary>The enclave cannot be used just now.</summary>
    public static PrivacyException Enclave(string reason, Exception? inner = null) =>
        new(Failure.EnclaveUnavailable, $"Enclave is not available: {reason}", inner);

    /// <summary>In Tessera's words, which are the same for a payload that was lost and one that never was; <see cref="Failure"/>
    /// tells the two apart.</summary>
    public static PrivacyException MessageNotFound(string hash, bool missing) =>
        new(missing ? Failure.Missing : Failure.NotFound, $"Message with hash {hash} was not found");

    /// <summary>In Tessera's words.</summary>
    public static PrivacyException RawNotFound(string hash) => new(Failure.NotFound, $"Raw Transaction with hash {hash} was not found");

    /// <summary>In Tessera's words.</summary>
    public static PrivacyException AffectedNotFound(string hash) =>
        new(Failure.Forbidden, $"Unable to find affectedContractTransaction {hash}");

    /// <summary>In the words of a Tessera with the feature off.</summary>
    public static PrivacyException EnhancedPrivacy() => new(Failure.Forbidden, "Enhanced Privacy is not enabled");
}
