using System.Globalization;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Privacy;

/// <summary>What a REST manager offers, by the highest of its API versions.</summary>
internal sealed record Q2tApi(bool Legacy, Version Highest)
{
    private const string Json = "application/json";

    /// <summary>Constellation, which has no version endpoint.</summary>
    public static Q2tApi Constellation { get; } = new(true, new Version(0, 0));

    public bool SignedByJson => !Legacy && Highest >= new Version(2, 0);

    /// <summary>Privacy flags other than 0 (24:private/engine/tessera/tessera.go, PrivacyEnhancements).</summary>
    public bool KnowsPrivacyFlags => !Legacy && Highest >= new Version(2, 0);

    /// <summary>GoQuorum asks with the vendor types so that the answer has senderKey and managedParties.</summary>
    public string SendType => Highest >= new Version(4, 0) ? "application/vnd.tessera-4.0+json" : OtherType;

    public string OtherType => Highest >= new Version(2, 1) ? "application/vnd.tessera-2.1+json" : Json;

    /// <summary>In GoQuorum's words (24:private/engine/tessera/tessera.go).</summary>
    /// <exception cref="TransactionManagerException">The manager is too old for a flag.</exception>
    public void Require(SendPrivacy privacy)
    {
        if (privacy.Mode == PrivacyMode.StandardPrivate) return;
        if (!KnowsPrivacyFlags)
            throw new TransactionManagerException("private transaction manager does not support privacy enhancements");
        if (privacy.Mode == PrivacyMode.MandatoryRecipients && Highest < new Version(4, 0))
            throw new TransactionManagerException("private transaction manager does not support mandatory recipients");
    }

    public static Q2tApi Parse(IEnumerable<string> versions)
    {
        var highest = new Version(1, 0);
        foreach (var text in versions)
            if (TryParse(text.TrimStart('v'), out var version) && version > highest)
                highest = version;
        return new Q2tApi(false, highest);
    }

    private static bool TryParse(string text, out Version version)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var major))
            text = $"{major}.0";
        return Version.TryParse(text, out version!);
    }
}
