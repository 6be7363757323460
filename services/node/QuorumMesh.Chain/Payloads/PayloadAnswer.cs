using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Payloads;

/// <summary>
/// What a transaction manager answers to "payload for this hash?", from its client through the cache down to execution. Arrays are not
/// to be changed.
/// </summary>
public sealed record PayloadAnswer
{
    private PayloadAnswer(in PayloadHash hash, PayloadAvailability availability) => (Hash, Availability) = (hash, availability);

    /// <summary>For a private transaction whose data is no hash: nobody is a party to it.</summary>
    public static PayloadAnswer Nobodys { get; } = NotAParty(default, "the data is no payload hash");

    /// <summary>SHA3-512 of the ciphertext: what was asked for.</summary>
    public PayloadHash Hash { get; }

    /// <summary>Which of the four answers it is.</summary>
    public PayloadAvailability Availability { get; }

    /// <summary>The plain input; exactly with <see cref="PayloadAvailability.Here"/>.</summary>
    public byte[]? Payload { get; private init; }

    /// <summary>Why the payload is not here, for operators; never with <see cref="PayloadAvailability.Here"/>.</summary>
    public string? Reason { get; private init; }

    /// <summary>As the sender gave it; standard for older payloads.</summary>
    public PrivacyMode PrivacyMode { get; init; }

    /// <summary>
    /// The creations of the contracts that the sender's run touched, by their payload hashes: those that this participant's manager found
    /// proven (tessera 8.3).
    /// </summary>
    public IReadOnlyList<PayloadHash> AffectedTransactions { get; init; } = [];

    /// <summary>
    /// With <see cref="PrivacyMode.PrivateStateValidation"/> the root over the accounts that the sender's run touched, as the text that its
    /// node gave (UTF-8); otherwise empty.
    /// </summary>
    public byte[] ExecutionHash { get; init; } = [];

    /// <summary>The sender's public key; null when the manager does not tell.</summary>
    public byte[]? SenderKey { get; init; }

    /// <summary>The manager's own public keys among the recipients; empty when it does not tell.</summary>
    public IReadOnlyList<byte[]> ManagedParties { get; init; } = [];

    /// <summary>What the answer is from; null when the manager does not tell.</summary>
    public ManagerDatabase? Database { get; init; }

    /// <summary>Whether execution can go on with it: the payload is here, or never will be.</summary>
    public bool IsSettled => Availability is PayloadAvailability.Here or PayloadAvailability.NotAParty;

    /// <summary>The payload is at hand.</summary>
    public static PayloadAnswer Here(in PayloadHash hash, byte[] payload) => new(hash, PayloadAvailability.Here) { Payload = payload };

    public static PayloadAnswer NotAParty(in PayloadHash hash, string reason = "this participant is not a party") =>
        new(hash, PayloadAvailability.NotAParty) { Reason = reason };

    public static PayloadAnswer Missing(in PayloadHash hash, string reason = "the manager is a party but has lost the payload") =>
        new(hash, PayloadAvailability.Missing) { Reason = reason };

    /// <summary>Nobody could tell: never to be taken for "not a party".</summary>
    public static PayloadAnswer Unavailable(in PayloadHash hash, string reason) =>
        new(hash, PayloadAvailability.Unavailable) { Reason = reason };
}
