namespace QuorumMesh.Node.Network.Eth;

/// <summary>Bounds of eth messages, served and accepted.</summary>
public static class EthLimits
{
    /// <summary>geth's MaxHeaderFetch.</summary>
    public const int HeadersPerReply = 192;
    /// <summary>geth's MaxBlockFetch.</summary>
    public const int BodiesPerReply = 128;

    /// <summary>A reply stops with the item that passes this.</summary>
    public const int ReplyBytes = 2 * 1024 * 1024;

    /// <summary>Outgoing Transactions messages.</summary>
    public const int TransactionBatchBytes = 100 * 1024;

    /// <summary>Transactions in one outgoing message.</summary>
    public const int TransactionBatchCount = 256;

    /// <summary>Longest single transaction this node sends on.</summary>
    public const int TransactionBytes = 1024 * 1024;

    /// <summary>Incoming Transactions messages: others send all they have in one.</summary>
    public const int TransactionsPerMessage = 65_536;

    /// <summary>Hashes that are looked at in an announcement of transactions; geth announces no more in one.</summary>
    public const int TransactionHashesPerMessage = 4_096;

    /// <summary>Hashes in one outgoing announcement.</summary>
    public const int AnnouncedBatchCount = 1_024;

    /// <summary>Transactions asked for at once, as geth does.</summary>
    public const int PooledTransactionsPerRequest = 256;

    /// <summary>Peers at least that get a new block whole, GoQuorum's minBroadcastPeers.</summary>
    public const int BlockReceivers = 4;

    /// <summary>Of an incoming NewBlockHashes message; the rest is not looked at.</summary>
    public const int AnnouncementsPerMessage = 1_024;
}
