namespace QuorumMesh.TxManager.Rest.OpenApi;

// Forms for the OpenAPI document alone: the routes read and write their JSON member by member. Bytes stand for base64.

internal sealed record SendBody(
    byte[] Payload, string? From, string[]? To, int? PrivacyFlag, string? ExecHash, string[]? AffectedContractTransactions,
    string[]? MandatoryRecipients, string? PrivacyGroupId);

internal sealed record SendSignedBody(
    byte[] Hash, string[]? To, int? PrivacyFlag, string? ExecHash, string[]? AffectedContractTransactions, string[]? MandatoryRecipients,
    string? PrivacyGroupId);

internal sealed record StoreRawBody(byte[] Payload, string? From);

internal sealed record ReceiveBody(byte[] Key, string? To);

internal sealed record DeleteBody(byte[] Key);

internal sealed record CreateGroupBody(string[] Addresses, string? From, string? Name, string? Description, byte[]? Seed);

internal sealed record FindGroupBody(string[] Addresses);

internal sealed record GroupIdBody(byte[] PrivacyGroupId, string? From);

internal sealed record GroupBody(byte[] PrivacyGroupId, string Name, string Description, string Type, string[] Members);

internal sealed record ResendBody(string Type, string PublicKey, byte[]? Key);

internal sealed record ResendBatchBody(string PublicKey, int? BatchSize);

internal sealed record ResendBatchTotal(long Total);

internal sealed record PushBatchBody(byte[][] EncodedPayloads);

internal sealed record SentPayload(string Key, string[]? ManagedParties, string? SenderKey);

internal sealed record StoredRaw(string Key);

internal sealed record FoundPayload(
    byte[] Payload, int PrivacyFlag, string[] AffectedContractTransactions, string ExecHash, byte[]? PrivacyGroupId,
    string[]? ManagedParties, string? SenderKey);

internal sealed record EncodedBody(
    string SenderKey, byte[] CipherText, byte[] CipherTextNonce, byte[][] RecipientBoxes, byte[] RecipientNonce, string[] RecipientKeys,
    int? PrivacyMode, Dictionary<string, byte[]>? AffectedContractTransactions, string? ExecHash);

internal sealed record KeyItem(string Key);

internal sealed record KeyList(KeyItem[] Keys);

internal sealed record PinnedKey(string Key, string Identity, string State, string? Successor, DateTimeOffset Since);

internal sealed record ClaimedKey(string Key, string PinnedTo, string? ClaimedBy, string Url, DateTimeOffset Since);

internal sealed record IdentityList(string? Identity, PinnedKey[] Keys, ClaimedKey[] Conflicts);

internal sealed record ReceiptItem(string Recipient, string Identity, DateTimeOffset KeptAt, Guid Store, byte[] Proof);

internal sealed record ReceiptList(ReceiptItem[] Receipts, string[] Without);

internal sealed record AcceptBody(string Key, string? Identity);

internal sealed record PeerItem(string Url);

internal sealed record KeyAtUrl(string Key, string Url);

internal sealed record KnownParties(string Url, PeerItem[] Peers, KeyAtUrl[] Keys);
