using System.Text;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>What a private transaction promises beside its recipients.</summary>
/// <param name="Mode">Its privacy flag.</param>
public sealed record SendPrivacy(PrivacyMode Mode = PrivacyMode.StandardPrivate)
{
    /// <summary>Flag 0, and no contract with another.</summary>
    public static SendPrivacy Standard { get; } = new();

    /// <summary>The creations of the contracts that it touches.</summary>
    public IReadOnlyList<PayloadHash> Affected { get; init; } = [];

    /// <summary>Base64 of 32 bytes, with private state validation; otherwise empty.</summary>
    public string ExecutionHash { get; init; } = "";

    /// <summary>Base64 as the user gave it, with mandatory recipients; otherwise empty.</summary>
    public IReadOnlyList<string> MandatoryFor { get; init; } = [];
}

/// <param name="PrivateFrom">Base64 as the user gave it; null or empty lets the manager use its default key.</param>
/// <param name="PrivateFor">Base64 as the user gave it; empty means the sender alone.</param>
public sealed record SendArguments(byte[] Payload, string? PrivateFrom, IReadOnlyList<string> PrivateFor)
{
    /// <summary>Standard private unless it is given.</summary>
    public SendPrivacy Privacy { get; init; } = SendPrivacy.Standard;

    /// <summary>What a question for the payload would give now: the sender runs it as its recipients do, promises included.</summary>
    public PayloadAnswer AnswerOf(in PayloadHash hash) => PayloadAnswer.Here(hash, Payload) with
    {
        PrivacyMode = Privacy.Mode,
        AffectedTransactions = Privacy.Affected,
        ExecutionHash = Encoding.UTF8.GetBytes(Privacy.ExecutionHash),
    };
}

/// <summary>The manager refused or could not be reached. The message is shown to the RPC user.</summary>
public sealed class TransactionManagerException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The manager was there and stumbled over the question: asked again, it may do so for ever (Tessera's 500).</summary>
    public bool IsItsOwnFault { get; init; }
}

/// <summary>One payload that became available; resume after <paramref name="Sequence"/>.</summary>
/// <param name="Database">Null when the manager does not tell.</param>
/// <param name="Answer">What a question for it would give now; null when it must be asked.</param>
public readonly record struct AvailablePayload(
    long Sequence, PayloadHash Hash, ManagerDatabase? Database = null, PayloadAnswer? Answer = null);

/// <summary>The node's transaction manager.</summary>
public interface ITransactionManager
{
    /// <summary>
    /// False when this node takes no part in private transactions (<c>PRIVATE_CONFIG=ignore</c>): a stranger to every one.
    /// </summary>
    bool Enabled { get; }

    /// <summary>
    /// Whether <see cref="WatchAsync"/> brings payloads that come late. Where it does not, the node asks again for what was not known.
    /// </summary>
    bool TellsOfLatePayloads => true;

    /// <summary>
    /// An answer other than one about payloads told of the manager's database; null when a manager that could does not tell.
    /// Raised on any thread; never over an interface that has no such thing.
    /// </summary>
    event Action<ManagerDatabase?>? DatabaseSeen
    {
        add { }
        remove { }
    }

    /// <summary>
    /// The record of the manager's database that every question from now on asks about, so that its answer tells whether that is still the
    /// same: see <see cref="ManagerDatabase.Row"/>. 0: none. Without effect where the manager cannot tell.
    /// </summary>
    void AskAbout(long sequence)
    {
    }

    /// <summary>Encrypts, stores and distributes; returns when every recipient has it.</summary>
    /// <returns>What a question for the payload would give now, so that it need not be asked.</returns>
    /// <exception cref="TransactionManagerException"/>
    Task<PayloadAnswer> SendAsync(SendArguments arguments, CancellationToken cancellation);

    /// <summary>Encrypts and stores for the sender alone, to be distributed by <see cref="SendSignedAsync"/>.</summary>
    /// <exception cref="TransactionManagerException"/>
    Task<PayloadHash> StoreRawAsync(byte[] payload, string? privateFrom, CancellationToken cancellation);

    /// <exception cref="TransactionManagerException"/>
    Task SendSignedAsync(PayloadHash hash, IReadOnlyList<string> privateFor, SendPrivacy privacy, CancellationToken cancellation);

    /// <summary>What <see cref="StoreRawAsync"/> keeps under a hash; null when there is nothing.</summary>
    /// <exception cref="TransactionManagerException"/>
    Task<byte[]?> ReceiveStoredAsync(PayloadHash hash, CancellationToken cancellation) => Task.FromResult<byte[]?>(null);

    /// <summary>The mandatory recipients of a transaction with that flag, base64 each.</summary>
    /// <exception cref="TransactionManagerException">It has another flag, or is not known.</exception>
    Task<IReadOnlyList<string>> MandatoryRecipientsAsync(PayloadHash hash, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<string>>([]);

    /// <summary>Whether this participant sent a payload; false for one that the manager does not have.</summary>
    /// <exception cref="TransactionManagerException"/>
    Task<bool> IsSenderAsync(PayloadHash hash, CancellationToken cancellation) => Task.FromException<bool>(NoExtension());

    /// <summary>The recipients of a payload that this participant sent, itself among them; base64 each.</summary>
    /// <exception cref="TransactionManagerException">Also for a payload that the manager does not have.</exception>
    Task<IReadOnlyList<string>> ParticipantsAsync(PayloadHash hash, CancellationToken cancellation) =>
        Task.FromException<IReadOnlyList<string>>(NoExtension());

    /// <summary>Encrypts for the sender alone; nothing is stored or sent.</summary>
    /// <param name="privateFrom">Base64; null or empty lets the manager use its default key.</param>
    /// <exception cref="TransactionManagerException"/>
    Task<SealedPayload> SealAsync(byte[] payload, string? privateFrom, CancellationToken cancellation) =>
        Task.FromException<SealedPayload>(NoExtension());

    /// <summary>What was encrypted by <see cref="SealAsync"/>; null for what this participant cannot open.</summary>
    /// <exception cref="TransactionManagerException"/>
    Task<byte[]?> OpenAsync(SealedPayload payload, CancellationToken cancellation) => Task.FromException<byte[]?>(NoExtension());

    /// <summary>
    /// Answers in the order of the request, for the first of the hashes, at least one: payloads that are large together come in
    /// several answers, so ask again for the rest. A manager that is down gives <see cref="PayloadAvailability.Unavailable"/>,
    /// never an exception.
    /// </summary>
    Task<IReadOnlyList<PayloadAnswer>> ReceiveAsync(IReadOnlyList<PayloadHash> hashes, CancellationToken cancellation);

    /// <summary>
    /// Every payload that became available after a sequence number (0: from the beginning), then new ones as they come. Ends
    /// only by cancellation: an implementation reconnects by itself. A manager without such a stream yields nothing.
    /// </summary>
    IAsyncEnumerable<AvailablePayload> WatchAsync(long afterSequence, CancellationToken cancellation);

    private static TransactionManagerException NoExtension() =>
        new("private transaction manager does not support contract extension");
}
