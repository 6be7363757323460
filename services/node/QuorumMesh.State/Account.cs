using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>Account state of the Yellow Paper, section 4.1.</summary>
public readonly record struct Account(ulong Nonce, UInt256 Balance, Hash256 StorageRoot, Hash256 CodeHash)
{
    /// <summary>Nonce 0, balance 0, no storage, no code.</summary>
    public static Account Empty => new(0, UInt256.Zero, Hash256.EmptyTrie, Hash256.EmptyCode);

    /// <summary>Null for public accounts and standard private ones. No part of <see cref="Encode"/>.</summary>
    public PrivacyMetadata? Privacy { get; init; }

    /// <summary>Empty in the sense of EIP-161: storage does not count.</summary>
    public bool IsEmpty => Nonce == 0 && Balance.IsZero && CodeHash == Hash256.EmptyCode;

    /// <summary>True when at least one slot is not zero.</summary>
    public bool HasStorage => StorageRoot != Hash256.EmptyTrie;

    /// <summary>The RLP list [nonce, balance, storageRoot, codeHash], the leaf value of the account trie.</summary>
    public byte[] Encode()
    {
        var writer = new RlpWriter();
        Write(writer);
        return writer.ToArray();
    }

    /// <summary>As <see cref="Encode"/>, into a writer.</summary>
    public void Write(RlpWriter writer)
    {
        var mark = writer.BeginList();
        writer.Write(Nonce);
        writer.Write(Balance);
        writer.Write(StorageRoot);
        writer.Write(CodeHash);
        writer.EndList(mark);
    }

    /// <exception cref="RlpException">Not the canonical encoding of one account.</exception>
    public static Account Decode(ReadOnlySpan<byte> encoded)
    {
        var outer = new RlpReader(encoded);
        var list = outer.ReadList();
        var account = new Account(list.ReadUInt64(), list.ReadUInt256(), list.ReadHash256(), list.ReadHash256());
        list.ExpectEnd();
        outer.ExpectEnd();
        return account;
    }
}
