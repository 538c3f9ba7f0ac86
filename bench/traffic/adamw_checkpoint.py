"""A checkpoint as kMoL's trainer writes it: model, AdamW's state after a few steps, OneCycleLR. Usage: adamw_checkpoint.py FILE"""

import sys

import torch

torch.manual_seed(1)
model = torch.nn.Sequential(
    torch.nn.Linear(1024, 1200), torch.nn.ReLU(), torch.nn.Linear(1200, 640), torch.nn.ReLU(), torch.nn.Linear(640, 10)
)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-3, total_steps=100)
for _ in range(5):
    optimizer.zero_grad()
    model(torch.randn(16, 1024)).pow(2).mean().backward()
    optimizer.step()
    scheduler.step()
parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
torch.save({"epoch": 1, **{name: part.state_dict() for name, part in parts.items()}}, sys.argv[1])
