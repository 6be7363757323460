namespace QuorumMesh.Contracts.Parties;

/// <summary>A key and the URL of the manager that serves it.</summary>
public sealed record RecipientEntry(PublicKey Key, string Url);

/// <summary>What a manager tells its peers about itself and the network (tessera 2.2).</summary>
/// <param name="Url">The sender's advertised P2P URL.</param>
/// <param name="Recipients">Keys; a receiver heeds only those whose URL is the sender's.</param>
/// <param name="Parties">URLs of the managers that the sender knows.</param>
public sealed record PartyInfo(string Url, IReadOnlyList<RecipientEntry> Recipients, IReadOnlyList<string> Parties);
