using System.Text;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Extension;

/// <summary>
/// What a log says of an extension. Whoever emits it is taken for a management contract, as GoQuorum does: nobody knows the code of all.
/// </summary>
/// <param name="Management">Which contract emitted it.</param>
public abstract record ExtensionEvent(Address Management)
{
    private static readonly Hash256 CreatedTopic = Topic("NewContractExtensionContractCreated(address,string,address)");
    private static readonly Hash256 AcceptedTopic = Topic("CanPerformStateShare()");
    private static readonly Hash256 FinishedTopic = Topic("ExtensionFinished()");
    private static readonly Hash256 SharedTopic = Topic("StateShared(address,string,string)");

    /// <summary>An extension began.</summary>
    /// <param name="RecipientKey">Of the new party's manager, as it was given.</param>
    public sealed record Created(Address Management, Address Contract, string RecipientKey, Address Recipient) : ExtensionEvent(Management);

    /// <summary>All have voted yes: the initiator's node is to share the state.</summary>
    public sealed record Accepted(Address Management) : ExtensionEvent(Management);

    /// <summary>It has come to its end, by a share, a no or a cancellation.</summary>
    public sealed record Finished(Address Management) : ExtensionEvent(Management);

    /// <summary>The state is shared; once for each who voted yes.</summary>
    /// <param name="Identifier">Of the payload with the state, base64 as it was given.</param>
    /// <param name="Vote">The voter's uuid, hex as it was given.</param>
    public sealed record Shared(Address Management, Address Contract, string Identifier, string Vote) : ExtensionEvent(Management)
    {
        /// <summary>
        /// The payload with the state; null for a text that is no base64. Of another length than a hash it counts from its end, as in
        /// GoQuorum (21:common/types.go BytesToEncryptedPayloadHash).
        /// </summary>
        public PayloadHash? State
        {
            get
            {
                var bytes = new byte[Identifier.Length];
                return Convert.TryFromBase64String(Identifier, bytes, out var length) ? FromEnd(bytes.AsSpan(0, length)) : null;
            }
        }

        /// <summary>The payload with the vote; null when there is none, or it is no hex.</summary>
        public PayloadHash? VotePayload => Vote.Length > 0 && Hex.TryFromHex(Vote, out var bytes) ? FromEnd(bytes) : null;

        private static PayloadHash FromEnd(ReadOnlySpan<byte> bytes)
        {
            var hash = new byte[PayloadHash.Size];
            var taken = Math.Min(bytes.Length, hash.Length);
            bytes[^taken..].CopyTo(hash.AsSpan(hash.Length - taken));
            return new PayloadHash(hash);
        }
    }

    /// <summary>Null for a log that says nothing of an extension. None of the arguments is indexed.</summary>
    public static ExtensionEvent? Of(LogEntry log)
    {
        if (log.Topics is not [var topic]) return null;
        if (topic == SharedTopic) return SharedOf(log);
        if (topic == CreatedTopic) return CreatedOf(log);
        return topic == AcceptedTopic ? new Accepted(log.Address) : topic == FinishedTopic ? new Finished(log.Address) : null;
    }

    private static Shared? SharedOf(LogEntry log) =>
        AbiData.TryReadAddress(log.Data, 0, out var contract) && AbiData.TryReadText(log.Data, 1, out var identifier)
            && AbiData.TryReadText(log.Data, 2, out var vote) ? new Shared(log.Address, contract, identifier, vote) : null;

    private static Created? CreatedOf(LogEntry log) =>
        AbiData.TryReadAddress(log.Data, 0, out var contract) && AbiData.TryReadText(log.Data, 1, out var key)
            && AbiData.TryReadAddress(log.Data, 2, out var recipient) ? new Created(log.Address, contract, key, recipient) : null;

    private static Hash256 Topic(string signature) => Keccak.Hash(Encoding.ASCII.GetBytes(signature));
}
