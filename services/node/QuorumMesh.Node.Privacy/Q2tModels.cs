using System.Text.Json.Serialization;

namespace QuorumMesh.Node.Privacy;

internal sealed record Q2tSendRequest(string Payload, string? From, IReadOnlyList<string> To,
    IReadOnlyList<string> AffectedContractTransactions, string? ExecHash, int PrivacyFlag, IReadOnlyList<string>? MandatoryRecipients);

internal sealed record Q2tSendSignedRequest(string Hash, IReadOnlyList<string> To, IReadOnlyList<string> AffectedContractTransactions,
    string? ExecHash, int PrivacyFlag, IReadOnlyList<string>? MandatoryRecipients);

internal sealed record Q2tStoreRequest(string Payload, string? From);

internal sealed record Q2tKeyReply(string? Key);

internal sealed record Q2tSendReply(string? Key, string? SenderKey, IReadOnlyList<string>? ManagedParties);

internal sealed record Q2tReceiveReply(
    string? Payload,
    string? SenderKey,
    IReadOnlyList<string>? ManagedParties,
    int? PrivacyFlag,
    IReadOnlyList<string>? AffectedContractTransactions,
    string? ExecHash);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Q2tSendRequest))]
[JsonSerializable(typeof(Q2tSendSignedRequest))]
[JsonSerializable(typeof(Q2tStoreRequest))]
[JsonSerializable(typeof(Q2tKeyReply))]
[JsonSerializable(typeof(Q2tSendReply))]
[JsonSerializable(typeof(Q2tReceiveReply))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class Q2tJson : JsonSerializerContext;
