from models_hub.training.cli import main

raise SystemExit(main())
